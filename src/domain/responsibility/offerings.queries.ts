import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { changesBetween } from '../agreements/agreement-diff.rules.ts';
import { versionContent } from '../agreements/drafts.queries.ts';
import { changeWords } from './change-words.rules.ts';
import { materialChanges, type MaterialChange } from './material-changes.rules.ts';
import { cellsOfVersion, newestVersion, partiesIn } from './matrix-facts.queries.ts';
import { fitted, versionOfOffering, type OfferingVersionFacts } from './offering-facts.queries.ts';
import { changesOfRows, offeringHash, sheetContent, standingOf, type TargetFacts } from './offering.rules.ts';
import type {
  OfferingBody,
  OfferingDiff,
  OfferingLine,
  OfferingView,
  TargetDiff,
  TargetLine,
} from './offering.schema.ts';

/** What decides where customers stand: the target, what was proposed, and the newest version of their matrix. */
const STANDING = `t.state, p.number AS proposed, (SELECT max(number) FROM offering_version x WHERE x.offering_id = t.offering_id) AS newest,
  n.state AS "matrixState", coalesce(n.content_hash = m.content_hash, false) AS same`;
const TARGETS = `offering_target t
  LEFT JOIN offering_version p ON p.id = t.proposed_version_id
  LEFT JOIN matrix_version m ON m.id = t.matrix_version_id
  LEFT JOIN LATERAL (SELECT v.id, v.state, v.content_hash FROM matrix_version v WHERE v.integration_id = t.integration_id
                      ORDER BY v.number DESC LIMIT 1) n ON true`;

type Grouped = TargetFacts & { offeringId: Id; count: number };

async function countsOf(db: Db, offeringIds: readonly Id[]): Promise<Map<Id, OfferingLine['counts']>> {
  const rows = await db.query<Grouped[]>(
    `SELECT "offeringId", state, proposed, newest, "matrixState", same, count(*)::int AS count
       FROM (SELECT t.offering_id AS "offeringId", ${STANDING} FROM ${TARGETS} WHERE t.offering_id = ANY($1::uuid[])) f
      GROUP BY 1, 2, 3, 4, 5, 6`,
    [offeringIds],
  );
  const counts = new Map<Id, OfferingLine['counts']>();
  for (const row of rows) {
    const of = counts.get(row.offeringId) ?? {};
    counts.set(row.offeringId, of);
    const standing = standingOf(row);
    of[standing] = (of[standing] ?? 0) + row.count;
  }
  return counts;
}

interface StoredLine {
  id: Id;
  name: string;
  body: OfferingBody;
  version: number | null;
  hash: Buffer | null;
  retiredAt: Date | null;
}

const LINE = `o.id, o.name, o.body, v.number AS version, v.content_hash AS hash, o.retired_at AS "retiredAt"`;
const NEWEST = `LEFT JOIN LATERAL (SELECT number, content_hash FROM offering_version w WHERE w.offering_id = o.id ORDER BY w.number DESC LIMIT 1) v ON true`;

/** By name. */
export async function listOfferings(
  db: Db,
  { after, limit }: { after?: { name: string; id: Id } | undefined; limit: number },
): Promise<OfferingLine[]> {
  const rows = await db.query<StoredLine[]>(
    `SELECT ${LINE} FROM offering o ${NEWEST} WHERE $1::text IS NULL OR (o.name, o.id) > ($1, $2::uuid) ORDER BY o.name, o.id LIMIT $3`,
    [after?.name ?? null, after?.id ?? null, limit],
  );
  const counts = await countsOf(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => lineOf(row, counts.get(row.id)));
}

function lineOf(
  { id, name, body, version, hash, retiredAt }: StoredLine,
  counts: OfferingLine['counts'] = {},
): OfferingLine {
  return {
    id,
    name,
    version,
    drafted: !hash?.equals(offeringHash(body)),
    retiredAt: retiredAt?.toISOString() ?? null,
    counts,
  };
}

export async function findOffering(db: Db, id: Id): Promise<OfferingView | undefined> {
  const [row] = await db.query<
    (StoredLine & {
      partyId: Id;
      partyName: string;
      chaseEveryHours: number;
      chaseByItself: boolean;
      reattestDays: number;
      retiredBecause: string | null;
      rowVersion: number;
    })[]
  >(
    `SELECT ${LINE}, o.party_id AS "partyId", s.name AS "partyName", o.chase_every_hours AS "chaseEveryHours", o.chase_by_itself AS "chaseByItself",
            o.reattest_days AS "reattestDays", o.retired_because AS "retiredBecause", o.row_version AS "rowVersion" FROM offering o JOIN party s ON s.id = o.party_id ${NEWEST} WHERE o.id = $1`,
    [id],
  );
  if (!row) return undefined;
  const versions = await db.query<{ id: Id; number: number; contentHash: string; at: Date }[]>(
    `SELECT id, number, encode(content_hash, 'hex') AS "contentHash", published_at AS at FROM offering_version
      WHERE offering_id = $1 ORDER BY number DESC LIMIT 100`,
    [id],
  );
  return {
    ...lineOf(row, (await countsOf(db, [id])).get(id)),
    supplier: { id: row.partyId, name: row.partyName },
    chaseEveryHours: row.chaseEveryHours,
    chaseByItself: row.chaseByItself,
    retiredBecause: row.retiredBecause,
    reattestDays: row.reattestDays,
    draft: row.body,
    versions: versions.map(({ at, ...version }) => ({ ...version, publishedAt: at.toISOString() })),
    rowVersion: row.rowVersion,
  };
}

type StoredTarget = TargetFacts & {
  integrationId: Id;
  reference: string;
  name: string;
  customer: string | null;
  matrixVersionId: Id | null;
  supplierSigned: boolean;
  customerSigned: boolean;
  failure: TargetLine['failure'];
  chasedAt: Date | null;
  chases: number;
};

/** A signature that counts under the content of the newest version: as `counts` of the rules says it. */
const SIGNED = (
  party: string,
) => `EXISTS (SELECT FROM attestation a WHERE a.integration_id = t.integration_id AND a.content_hash = n.content_hash
  AND a.withdrawn_at IS NULL AND a.fallen_at IS NULL AND (a.expires_at IS NULL OR a.expires_at > $2) AND (a.way <> 'paper' OR a.confirmed_at IS NOT NULL)
  AND ${party})`;
const CUSTOMER = `SELECT ip.party_id FROM integration_party ip WHERE ip.integration_id = t.integration_id AND ip.role = 'customer' AND ip.party_id <> o.party_id`;
const TARGET = `t.integration_id AS "integrationId", i.reference, i.name, ${STANDING},
  (SELECT min(ip.party_name) FROM integration_party ip WHERE ip.integration_id = t.integration_id AND ip.role = 'customer' AND ip.party_id <> o.party_id) AS customer,
  CASE WHEN n.content_hash = m.content_hash THEN n.id ELSE t.matrix_version_id END AS "matrixVersionId",
  ${SIGNED('a.party_id = o.party_id')} AS "supplierSigned", ${SIGNED(`a.party_id IN (${CUSTOMER})`)} AS "customerSigned",
  t.failure, t.chased_at AS "chasedAt", t.chases
  FROM ${TARGETS} JOIN integration i ON i.id = t.integration_id JOIN offering o ON o.id = t.offering_id`;

function targetOf(row: StoredTarget): TargetLine {
  const { state, proposed, newest, matrixState, same, supplierSigned, customerSigned, chasedAt, ...rest } =
    row;
  return {
    ...rest,
    standing: standingOf({ state, proposed, newest, matrixState, same }),
    version: proposed,
    signed: { supplier: same && supplierSigned, customer: same && customerSigned },
    chasedAt: chasedAt?.toISOString() ?? null,
  };
}

/** The customers of an offering by the name of the integration, each with where it stands. */
export async function listTargets(
  db: Db,
  offeringId: Id,
  { after, limit }: { after?: { name: string; id: Id } | undefined; limit: number },
  now: Millis,
): Promise<(TargetLine & { id: Id })[]> {
  const rows = await db.query<StoredTarget[]>(
    `SELECT ${TARGET} WHERE t.offering_id = $1 AND ($3::text IS NULL OR (i.name, i.id) > ($3, $4::uuid)) ORDER BY i.name, i.id LIMIT $5`,
    [offeringId, iso(now), after?.name ?? null, after?.id ?? null, limit],
  );
  return rows.map((row) => ({ ...targetOf(row), id: row.integrationId }));
}

/** What one customer has against what is offered now: rows and terms, in words. */
export async function targetDiff(
  db: Db,
  offeringId: Id,
  integrationId: Id,
  now: Millis,
): Promise<TargetDiff | undefined> {
  const [row] = await db.query<StoredTarget[]>(
    `SELECT ${TARGET} WHERE t.offering_id = $1 AND t.integration_id = $3`,
    [offeringId, iso(now), integrationId],
  );
  const version = row && (await versionOfOffering(db, offeringId));
  if (!version) return undefined;
  const fit = await fitted(db, version, integrationId, now);
  const newest = await newestVersion(db, integrationId);
  const names = new Map((await partiesIn(db, integrationId)).map(({ id, name }) => [id, name]));
  const changes = materialChanges(
    { rows: newest ? await cellsOfVersion(db, newest.id) : [] },
    { rows: fit.cells },
  );
  const worded = (change: MaterialChange) => ({
    what: change.what,
    words: changeWords(change, {
      party: (id) => names.get(id) ?? 'another party',
      credential: () => 'one credential',
    }),
  });
  const [agreement] = await db.query<{ id: Id | null }[]>(
    'SELECT agreement_id AS id FROM integration WHERE id = $1',
    [integrationId],
  );
  const agreed = agreement?.id ? await versionContent(db, agreement.id) : undefined;
  const offered = fit.terms;
  const terms = !offered
    ? []
    : agreed
      ? changesBetween(agreed.content, offered, (id) => fit.contactNames.get(id) ?? 'another contact')
      : [{ what: 'agreement', before: '–', after: `${offered.terms.length} terms` }];
  return {
    target: targetOf(row),
    offered: version.number,
    current: newest ? { versionId: newest.id, number: newest.number, state: newest.state } : null,
    rows: changes.map(worded),
    terms,
    problems: fit.problems,
  };
}

/** What is different between two versions; the later one absent: the draft. */
export async function offeringDiff(
  db: Db,
  offeringId: Id,
  before: number,
  after?: number,
): Promise<OfferingDiff | undefined> {
  const old = await versionOfOffering(db, offeringId, before);
  const now =
    after === undefined
      ? (await findOffering(db, offeringId))?.draft
      : (await versionOfOffering(db, offeringId, after))?.body;
  if (!old || !now) return undefined;
  const words = { party: (id: Id) => id.replaceAll('_', '-'), credential: () => '' };
  const rows = changesOfRows(old.body.rows, now.rows).map((change) => ({
    what: change.what,
    words: changeWords(change, words),
  }));
  const [was, is] = [old.body.terms, now.terms];
  const terms =
    was && is
      ? changesBetween(sheetContent(was), sheetContent(is), (role) => role.replaceAll('_', ' '))
      : was || is
        ? [{ what: 'term sheet', before: was ? 'there was one' : '–', after: is ? 'there is one' : '–' }]
        : [];
  return { rows, terms };
}

/** To whom the newest version is proposed without naming them: whoever is behind or failed; nobody who went a way of their own. */
export async function targetsToPropose(db: Db, version: OfferingVersionFacts): Promise<Id[]> {
  const rows = await db.query<{ id: Id }[]>(
    `SELECT t.integration_id AS id FROM ${TARGETS}
      WHERE t.offering_id = $1 AND (t.state = 'failed' OR (t.wanted_version_id <> $2 AND n.content_hash IS NOT DISTINCT FROM m.content_hash))
      ORDER BY t.integration_id LIMIT 5000`,
    [version.offeringId, version.id],
  );
  return rows.map(({ id }) => id);
}

/** Who may have to be reminded. @param wanted null: everybody whose matrix waits for a signature */
export async function targetsToChase(
  db: Db,
  offeringId: Id,
  wanted: readonly Id[] | null,
): Promise<
  { everyHours: number; retired: boolean; targets: { targetId: Id | null; integrationId: Id }[] } | undefined
> {
  const [offering] = await db.query<{ everyHours: number; retired: boolean }[]>(
    'SELECT chase_every_hours AS "everyHours", retired_at IS NOT NULL AS retired FROM offering WHERE id = $1',
    [offeringId],
  );
  if (!offering) return undefined;
  const targets = await db.query<{ targetId: Id; integrationId: Id }[]>(
    `SELECT t.id AS "targetId", t.integration_id AS "integrationId" FROM offering_target t LEFT JOIN matrix_version m ON m.id = t.matrix_version_id
      WHERE t.offering_id = $1 AND (CASE WHEN $2::uuid[] IS NULL THEN m.state IN ('proposed', 'expired') ELSE t.integration_id = ANY($2::uuid[]) END)
      ORDER BY t.integration_id LIMIT 5000`,
    [offeringId, wanted],
  );
  const known = new Set(targets.map(({ integrationId }) => integrationId));
  const unknown = (wanted ?? []).filter((id) => !known.has(id));
  return {
    ...offering,
    targets: [...targets, ...unknown.map((integrationId) => ({ targetId: null, integrationId }))],
  };
}

/** Offerings that remind by themselves, with those customers whose turn it is: whose last mail is old enough. */
export async function dueToChase(
  db: Db,
  now: Millis,
  limit: number,
): Promise<{ offeringId: Id; integrationIds: Id[] }[]> {
  return db.query(
    `SELECT d."offeringId", array_agg(d.integration_id ORDER BY d.integration_id) AS "integrationIds"
       FROM (SELECT t.offering_id AS "offeringId", t.integration_id
               FROM offering o JOIN offering_target t ON t.offering_id = o.id
               JOIN matrix_version m ON m.id = t.matrix_version_id AND m.state IN ('proposed', 'expired')
              WHERE o.chase_by_itself AND o.retired_at IS NULL
                AND NOT EXISTS (SELECT FROM matrix_invitation n WHERE n.matrix_version_id = m.id AND n.purpose = 'attest'
                                   AND n.created_at > $1::timestamptz - make_interval(hours => o.chase_every_hours))
                AND EXISTS (SELECT FROM integration_party ip JOIN contact k ON k.party_id = ip.party_id AND k.active AND coalesce(k.email, '') <> ''
                             WHERE ip.integration_id = t.integration_id
                               AND EXISTS (SELECT FROM matrix_row r WHERE r.matrix_version_id = m.id AND r.accountable_party_id = ip.party_id)
                               AND NOT EXISTS (SELECT FROM attestation a WHERE a.integration_id = t.integration_id AND a.content_hash = m.content_hash
                                                  AND a.party_id = ip.party_id AND a.withdrawn_at IS NULL AND a.fallen_at IS NULL
                                                  AND (a.expires_at IS NULL OR a.expires_at > $1) AND (a.way <> 'paper' OR a.confirmed_at IS NOT NULL)))
              ORDER BY t.id LIMIT $2) d
      GROUP BY 1`,
    [iso(now), limit],
  );
}

/** What is still proposed under offerings that are retired, or under one. */
export async function proposedUnderRetired(
  db: Db,
  limit: number,
  offeringId: Id | null = null,
): Promise<{ versionId: Id; reason: string }[]> {
  return db.query(
    `SELECT m.id AS "versionId", o.retired_because AS reason
       FROM offering o JOIN offering_target t ON t.offering_id = o.id JOIN matrix_version m ON m.id = t.matrix_version_id
      WHERE o.retired_at IS NOT NULL AND m.state = 'proposed' AND ($2::uuid IS NULL OR o.id = $2) ORDER BY m.id LIMIT $1`,
    [limit, offeringId],
  );
}
