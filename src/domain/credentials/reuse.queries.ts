import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { KeyedDigest } from './fingerprint.rules.ts';
import { standingOfVersion } from './version-standing.rules.ts';
import { isBlocking, reuseKind, type ReuseKind } from './reuse.rules.ts';

export interface ReusedValue {
  /** Names the group in lists; it says nothing of the value to anybody without the key. */
  group: string;
  kind: ReuseKind;
  blocking: boolean;
  members: {
    credentialId: Id;
    reference: string;
    name: string;
    environment: string;
    integrationId: Id;
    integrationReference: string;
    integrationName: string;
    /** `phase`: dead where it is proven so, whatever it was for. */
    versions: { number: number; phase: string }[];
  }[];
}

const MEMBERS = `(SELECT jsonb_agg(m ORDER BY m."integrationName", m.name) FROM (
   SELECT c.id AS "credentialId", c.reference, c.name, c.environment, i.id AS "integrationId", i.reference AS "integrationReference", i.name AS "integrationName",
          jsonb_agg(DISTINCT jsonb_build_object('number', v.number, 'phase', v.phase, 'liveness', d.liveness)) AS versions
     FROM fingerprint f JOIN credential_version v ON v.id = f.version_id LEFT JOIN version_death d ON d.version_id = v.id
     JOIN credential c ON c.id = f.credential_id JOIN integration i ON i.id = c.integration_id
    WHERE f.digest = g.digest AND c.retired_at IS NULL
    GROUP BY c.id, i.id) m)`;

/**
 * Values that stand in more than one credential, found by equal fingerprints, by digest. Fingerprints are the
 * installation's alone: nobody else is told anything.
 *
 * @param after the group that the page before ended with
 */
export async function reusedValues(
  db: Db,
  o: { after?: string | undefined; limit: number },
): Promise<ReusedValue[]> {
  type Version = ReusedValue['members'][number]['versions'][number] & { liveness: string | null };
  type Member = Omit<ReusedValue['members'][number], 'versions'> & { versions: Version[] };
  const groups = await db.query<{ group: string; members: Member[] }[]>(
    `SELECT encode(g.digest, 'hex') AS "group", ${MEMBERS} AS members
       FROM (SELECT (array_agg(s.digest ORDER BY s.digest))[1] AS digest FROM (
               SELECT f.digest, array_agg(DISTINCT f.credential_id ORDER BY f.credential_id) AS ids
                 FROM fingerprint f JOIN credential c ON c.id = f.credential_id AND c.retired_at IS NULL
                GROUP BY f.digest HAVING count(DISTINCT f.credential_id) > 1) s
              -- One value has a digest for each scheme and key: the same credentials under two of them are one finding.
              GROUP BY s.ids) g
      WHERE $1::bytea IS NULL OR g.digest > $1
      ORDER BY g.digest LIMIT $2`,
    [o.after === undefined ? null : Buffer.from(o.after, 'hex'), o.limit],
  );
  return groups.map(({ group, members: found }) => {
    const kind = reuseKind(found);
    const members = found.map((member) => ({
      ...member,
      versions: member.versions.map(({ number, ...lived }) => ({ number, phase: standingOfVersion(lived) })),
    }));
    return { group, kind, blocking: isBlocking(kind), members };
  });
}

export interface SharedCredential {
  id: Id;
  reference: string;
  name: string;
  environment: string;
  risk: number;
  /** Integrations that use it, its home first. */
  uses: { reference: string; name: string }[];
  systems: number;
}

/** Credentials that several integrations use, with how far each reaches; the riskiest first. */
export function sharedCredentials(db: Db, limit: number): Promise<SharedCredential[]> {
  return db.query(
    `SELECT c.id, c.reference, c.name, c.environment, c.risk,
            (SELECT jsonb_agg(jsonb_build_object('reference', i.reference, 'name', i.name) ORDER BY i.id = c.integration_id DESC, i.name)
               FROM credential_use u JOIN integration i ON i.id = u.integration_id WHERE u.credential_id = c.id) AS uses,
            (SELECT count(DISTINCT s.system_id)::int FROM credential_system s WHERE s.credential_id = c.id) AS systems
       FROM (SELECT u.credential_id FROM credential_use u GROUP BY u.credential_id HAVING count(*) > 1) s
       JOIN credential c ON c.id = s.credential_id AND c.retired_at IS NULL
      ORDER BY c.risk DESC, c.id LIMIT $1`,
    [limit],
  );
}

/** Other credentials with one of these fingerprints whose environment is another one. */
export async function usedInOtherEnvironments(
  db: Db,
  credentialId: Id,
  digests: readonly KeyedDigest[],
): Promise<{ reference: string; environment: string }[]> {
  if (digests.length === 0) return [];
  return db.query(
    `SELECT DISTINCT o.reference, o.environment FROM fingerprint f JOIN credential o ON o.id = f.credential_id AND o.retired_at IS NULL
       JOIN credential c ON c.id = $1
      WHERE f.digest = ANY($2::bytea[]) AND o.id <> c.id AND o.environment <> c.environment ORDER BY 1 LIMIT 5`,
    [credentialId, digests.map(({ digest }) => digest)],
  );
}
