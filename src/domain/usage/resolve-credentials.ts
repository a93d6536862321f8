import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { digestsOfSha256, FINGERPRINT_SCHEME, type Pepper } from '../credentials/fingerprint.rules.ts';
import type { UsageEventInput } from './usage.schema.ts';
import type { VersionSpan } from './usage.rules.ts';

/** A version as events may name it, with when it ended. */
export interface NamedVersion extends VersionSpan {
  credentialId: Id;
  integrationId: Id;
  /** When its revocation was accepted, its death proven or its retirement recorded; null: it is in force. */
  endedAt: Millis | null;
}

interface Row {
  version_id: Id;
  credential_id: Id;
  integration_id: Id;
  number: number;
  phase: string;
  from_at: Date;
  until_at: Date | null;
  ended_at: Date | null;
}

export interface Named {
  /** By `credential:…`, `credentialKey:…`: every version of the credential. By `supplierId:…`, `sha256:…`: those meant. */
  versions: ReadonlyMap<string, readonly NamedVersion[]>;
  /** By `<credential id> <external key>`. */
  locations: ReadonlyMap<string, Id>;
}

/** How an event names its credential, as one text. */
export function nameOf(event: UsageEventInput): string {
  if (event.credential !== undefined) return `credential:${event.credential}`;
  if (event.credentialKey !== undefined) return `credentialKey:${event.credentialKey}`;
  if (event.supplierId !== undefined) return `supplierId:${event.supplierId}`;
  return `sha256:${event.sha256!.toLowerCase()}`;
}

/**
 * Everything that a batch names, in a handful of statements.
 * @param partyId whose integrations alone are known; null: all
 */
export async function resolveNames(
  db: Db,
  events: readonly UsageEventInput[],
  peppers: readonly Pepper[],
  partyId: Id | null,
): Promise<Named> {
  const hits = await hitsOf(db, [...new Set(events.map(nameOf))], peppers);
  const byCredential = new Map<Id, NamedVersion[]>();
  for (const row of await versionsOf(db, [...new Set(hits.map((hit) => hit.credential_id))], partyId)) {
    const known = byCredential.get(row.credentialId);
    if (known) known.push(row);
    else byCredential.set(row.credentialId, [row]);
  }
  const versions = new Map<string, NamedVersion[]>();
  for (const { name, credential_id: credentialId, version_id: versionId } of hits) {
    const meant = (byCredential.get(credentialId) ?? []).filter(
      (version) => versionId === null || version.versionId === versionId,
    );
    const known = versions.get(name);
    if (known) known.push(...meant);
    else versions.set(name, meant);
  }
  const keys = [...new Set(events.flatMap(({ location }) => (location === undefined ? [] : [location])))];
  const locations = new Map<string, Id>();
  if (keys.length > 0) {
    for (const row of await rowsOf<{ credential_id: Id; external_key: string; id: Id }>(
      db,
      `SELECT credential_id, external_key, id FROM location
        WHERE credential_id = ANY($1::uuid[]) AND external_key = ANY($2::text[]) ORDER BY retired_at NULLS FIRST, id DESC`,
      [[...byCredential.keys()], keys],
    )) {
      const key = `${row.credential_id} ${row.external_key}`;
      if (!locations.has(key)) locations.set(key, row.id);
    }
  }
  return { versions, locations };
}

interface Hit {
  name: string;
  credential_id: Id;
  version_id: Id | null;
}

async function hitsOf(db: Db, names: readonly string[], peppers: readonly Pepper[]): Promise<Hit[]> {
  const of = (kind: string) =>
    names.filter((name) => name.startsWith(`${kind}:`)).map((name) => name.slice(kind.length + 1));
  const hits: Hit[] = [];
  const ask = async (kind: string, sql: string, values: readonly string[]) => {
    if (values.length > 0) hits.push(...(await rowsOf<Hit>(db, sql, [values, `${kind}:`])));
  };
  await ask(
    'credential',
    `SELECT $2 || reference AS name, id AS credential_id, NULL::uuid AS version_id FROM credential WHERE reference = ANY($1::text[])`,
    of('credential'),
  );
  await ask(
    'credentialKey',
    `SELECT $2 || external_key AS name, id AS credential_id, NULL::uuid AS version_id FROM credential WHERE external_key = ANY($1::text[])`,
    of('credentialKey'),
  );
  await ask(
    'supplierId',
    `SELECT $2 || supplier_id AS name, credential_id, id AS version_id FROM credential_version WHERE supplier_id = ANY($1::text[])`,
    of('supplierId'),
  );
  const hashes = of('sha256');
  if (hashes.length > 0) {
    const digests = hashes.flatMap((hex) =>
      digestsOfSha256(hex, peppers).map(({ keyId, digest }) => ({ hex, keyId, digest })),
    );
    hits.push(
      ...(await rowsOf<Hit>(
        db,
        `SELECT DISTINCT 'sha256:' || r.hex AS name, f.credential_id, f.version_id
           FROM unnest($1::text[], $2::text[], $3::bytea[]) AS r(hex, key_id, digest)
           JOIN fingerprint f ON f.digest = r.digest AND f.key_id = r.key_id AND f.scheme = $4`,
        [
          digests.map(({ hex }) => hex),
          digests.map(({ keyId }) => keyId),
          digests.map(({ digest }) => digest),
          FINGERPRINT_SCHEME,
        ],
      )),
    );
  }
  return hits;
}

async function versionsOf(db: Db, credentialIds: readonly Id[], partyId: Id | null): Promise<NamedVersion[]> {
  if (credentialIds.length === 0) return [];
  const rows = await rowsOf<Row>(
    db,
    `SELECT v.id AS version_id, v.credential_id, v.integration_id, v.number, v.phase,
            coalesce(v.activated_at, v.issued_at, v.created_at) AS from_at, v.retired_at AS until_at,
            least(v.retired_at, CASE WHEN d.revocation = 'accepted' THEN d.revocation_at END,
                  CASE WHEN d.liveness = 'dead' THEN coalesce(d.dead_since, d.liveness_at) END) AS ended_at
       FROM credential_version v LEFT JOIN version_death d ON d.version_id = v.id
      WHERE v.credential_id = ANY($1::uuid[])
        AND ($2::uuid IS NULL OR EXISTS (SELECT FROM credential_use u JOIN integration_party p ON p.integration_id = u.integration_id
                                          WHERE u.credential_id = v.credential_id AND p.party_id = $2))`,
    [credentialIds, partyId],
  );
  return rows.map((row) => ({
    versionId: row.version_id,
    credentialId: row.credential_id,
    integrationId: row.integration_id,
    number: row.number,
    phase: row.phase,
    from: row.from_at.getTime(),
    until: row.until_at?.getTime() ?? null,
    endedAt: row.ended_at?.getTime() ?? null,
  }));
}
