import type { Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { lastUse } from '../credentials/credentials.queries.ts';
import type { ValuesAtHand } from '../revocation/values-at-hand.service.ts';
import { authorityOf, type AuthoritySources } from './exposed-authority.rules.ts';
import { orderedDecision } from './mass-order.rules.ts';
import type { MassRevocationView, Selection, Standing, WhoBreaks } from './mass-revocation.schema.ts';
import { standingSql, standingsOf } from './standings.sql.ts';

/** What a selection means: versions in use that are not proven dead. Over `c`, `v` and `d`; its parameters begin at `$from`. */
export function selected(selection: Selection, from: number): { sql: string; params: unknown[] } {
  const params: unknown[] = [];
  const $ = (value: unknown) => `$${from + params.push(value) - 1}`;
  const conditions = [`v.phase <> 'retired'`, `c.retired_at IS NULL`, `d.liveness IS DISTINCT FROM 'dead'`];
  if (selection.supplierPartyId !== undefined) {
    const party = `${$(selection.supplierPartyId)}::uuid`;
    conditions.push(`(c.issuer_party_id = ${party} OR c.verifier_party_id = ${party})`);
  }
  if (selection.integrationId !== undefined)
    conditions.push(
      `c.id IN (SELECT u.credential_id FROM credential_use u WHERE u.integration_id = ${$(selection.integrationId)}::uuid)`,
    );
  if (selection.environment !== undefined) conditions.push(`c.environment = ${$(selection.environment)}`);
  if (selection.type !== undefined) conditions.push(`c.kind = ${$(selection.type)}`);
  if (selection.prefix !== undefined) {
    const prefix = $(selection.prefix);
    conditions.push(`(starts_with(c.name, ${prefix}) OR starts_with(c.external_key, ${prefix}))`);
  }
  if (selection.riskAtLeast !== undefined) conditions.push(`c.risk >= ${$(selection.riskAtLeast)}::int`);
  return {
    sql: `FROM credential c JOIN credential_version v ON v.credential_id = c.id LEFT JOIN version_death d ON d.version_id = v.id
          WHERE ${conditions.join(' AND ')}`,
    params,
  };
}

/** Whether it was this person who asked for it, and who therefore cannot approve it. */
export async function askedBySelf(db: Db, id: Id, by: Principal): Promise<boolean> {
  const rows = await db.query<unknown[]>(`SELECT FROM mass_revocation WHERE id = $1 AND asked_by = $2`, [
    id,
    handOf(by),
  ]);
  return rows.length > 0;
}

type Dated<T, K extends keyof T> = Omit<T, K> & Record<K, Date | null>;
type Row = Dated<Omit<MassRevocationView, 'standings' | 'left'>, 'askedAt' | 'approvedAt' | 'startedAt'>;

const VIEW = `SELECT m.id, m.reference, m.state, m.selection, m.reason, m.force, m.asked_at AS "askedAt", m.approved_at AS "approvedAt",
       m.started_at AS "startedAt", (SELECT count(*)::int FROM mass_revocation_item i WHERE i.mass_revocation_id = m.id) AS versions,
       (SELECT count(*)::int FROM mass_revocation_item i
         WHERE m.state = 'approved' AND i.mass_revocation_id = m.id AND i.started_at IS NULL) AS "toStart",
       coalesce((SELECT jsonb_agg(jsonb_build_object('id', n.id, 'reference', n.reference, 'state', n.state) ORDER BY n.reference)
                   FROM incident n WHERE n.id IN (SELECT e.incident_id FROM exposure e WHERE e.batch_id = m.batch_id)), '[]') AS incidents
  FROM mass_revocation m`;

/** Newest first. */
export async function massPage(
  db: Db,
  now: Millis,
  o: { after?: Id | undefined; limit: number },
): Promise<MassRevocationView[]> {
  const rows = await rowsOf<Row>(
    db,
    `${VIEW} WHERE $1::uuid IS NULL OR m.id < $1 ORDER BY m.id DESC LIMIT $2`,
    [o.after ?? null, o.limit],
  );
  const views: MassRevocationView[] = [];
  for (const row of rows) views.push(await viewOf(db, row, now));
  return views;
}

export async function findMass(
  db: Db,
  by: { id: Id } | { reference: string },
  now: Millis,
): Promise<MassRevocationView | undefined> {
  const [row] = await rowsOf<Row>(db, `${VIEW} WHERE ${'id' in by ? 'm.id' : 'm.reference'} = $1`, [
    'id' in by ? by.id : by.reference,
  ]);
  return row && viewOf(db, row, now);
}

async function viewOf(db: Db, row: Row, now: Millis): Promise<MassRevocationView> {
  const standings = await rowsOf<{ standing: Standing; n: number }>(
    db,
    `SELECT ${standingSql('$2')} AS standing, count(*)::int AS n
       FROM mass_revocation_item i JOIN credential_version v ON v.id = i.version_id LEFT JOIN version_death d ON d.version_id = v.id
      WHERE i.mass_revocation_id = $1 GROUP BY 1`,
    [row.id, new Date(now)],
  );
  const counts = standingsOf(standings);
  const left = row.versions - counts.proven_dead;
  return {
    ...row,
    // Computed, as containment is: should one of them live again, a second person is waited for again.
    state: row.state === 'draft' && left === 0 ? 'overtaken' : row.state,
    left,
    askedAt: row.askedAt!.toISOString(),
    approvedAt: row.approvedAt?.toISOString() ?? null,
    startedAt: row.startedAt?.toISOString() ?? null,
    standings: counts,
  };
}

const ITEMS = `WITH item AS (SELECT version_id, credential_id FROM mass_revocation_item WHERE mass_revocation_id = $1),
  one AS (SELECT DISTINCT credential_id AS id FROM item)`;
const SHOWN = 200;

/** Everything that stands on what would be revoked, as far as it is on record, and what is not. */
export async function whoBreaks(db: Db, mass: MassRevocationView, values: ValuesAtHand): Promise<WhoBreaks> {
  const { id } = mass;
  const integrations = await rowsOf<Dated<WhoBreaks['integrations'][number], 'lastUsedAt'>>(
    db,
    `${ITEMS} SELECT n.id, n.reference, n.name, n.state, bool_or(c.integration_id = n.id) AS home, count(*)::int AS credentials,
            ARRAY(SELECT DISTINCT p.party_name FROM integration_party p WHERE p.integration_id = n.id ORDER BY 1) AS parties,
            max(${lastUse('c')}) AS "lastUsedAt"
       FROM one JOIN credential c ON c.id = one.id JOIN credential_use u ON u.credential_id = c.id JOIN integration n ON n.id = u.integration_id
      GROUP BY n.id ORDER BY count(*) DESC, n.name, n.id LIMIT ${SHOWN}`,
    [id],
  );
  const shared = await rowsOf<WhoBreaks['shared'][number]>(
    db,
    `${ITEMS} SELECT c.id, c.reference, c.name, count(*)::int AS uses FROM one JOIN credential c ON c.id = one.id
       JOIN credential_use u ON u.credential_id = c.id GROUP BY c.id HAVING count(*) > 1 ORDER BY count(*) DESC, c.name, c.id LIMIT ${SHOWN}`,
    [id],
  );
  const locations = await rowsOf<WhoBreaks['locations'][number]>(
    db,
    `${ITEMS} SELECT l.kind, count(*)::int AS count FROM one JOIN location l ON l.credential_id = one.id AND l.retired_at IS NULL
      GROUP BY 1 ORDER BY 2 DESC, 1`,
    [id],
  );
  const systems = await rowsOf<WhoBreaks['systems'][number]>(
    db,
    `${ITEMS} SELECT s.name, s.environment, count(DISTINCT r.credential_id)::int AS credentials
       FROM (SELECT credential_id, system_id FROM credential_system JOIN one ON one.id = credential_id
             UNION SELECT l.credential_id, ls.system_id FROM one JOIN location l ON l.credential_id = one.id AND l.retired_at IS NULL
                     JOIN location_system ls ON ls.location_id = l.id) r
       JOIN system s ON s.id = r.system_id GROUP BY s.id ORDER BY 3 DESC, s.name, s.id LIMIT ${SHOWN}`,
    [id],
  );
  const added = ['draft', 'overtaken', 'approved'].includes(mass.state) ? await addedSince(db, mass) : [];
  const [known] = await rowsOf<{
    credentials: number;
    unplaced: number;
    unreaching: number;
    unseen: number;
    byhand: number;
    gone: number;
  }>(
    db,
    `${ITEMS} SELECT count(*)::int AS credentials,
            count(*) FILTER (WHERE NOT EXISTS (SELECT FROM location l WHERE l.credential_id = one.id AND l.retired_at IS NULL))::int AS unplaced,
            count(*) FILTER (WHERE NOT EXISTS (SELECT FROM credential_system s WHERE s.credential_id = one.id))::int AS unreaching,
            count(*) FILTER (WHERE NOT EXISTS (SELECT FROM usage_seen s WHERE s.credential_id = one.id))::int AS unseen,
            count(*) FILTER (WHERE NOT EXISTS (SELECT FROM revocation_path p WHERE p.credential_id = one.id AND p.kind = 'connector')
                               AND (SELECT c.connection_id IS NULL FROM credential c WHERE c.id = one.id))::int AS byhand,
            (SELECT count(*)::int FROM item JOIN credential_version v ON v.id = item.version_id LEFT JOIN version_death d ON d.version_id = v.id
              WHERE v.phase = 'retired' OR d.liveness = 'dead') AS gone
       FROM one`,
    [id],
  );
  const said = (n: number, one: string, many: string) =>
    n === 0 ? [] : [n === 1 ? `1 credential ${one}` : `${n} credentials ${many}`];
  return {
    credentials: known!.credentials,
    shared,
    decisions: await decisionsOf(db, mass),
    integrations: integrations.map((row) => ({ ...row, lastUsedAt: row.lastUsedAt?.toISOString() ?? null })),
    locations,
    systems,
    valueless: await valueless(db, mass, values),
    unknown: [
      ...said(
        known!.unplaced,
        'has no location on record',
        'have no location on record: nobody knows where they are kept',
      ),
      ...said(known!.unreaching, 'reaches no system that is known', 'reach no system that is known'),
      ...said(
        known!.unseen,
        'was never seen in use, which is not "never used"',
        'were never seen in use, which is not "never used"',
      ),
      ...said(
        known!.byhand,
        'has to be revoked by hand',
        'have to be revoked by hand: no connection is agreed',
      ),
    ],
    added,
    gone: known!.gone,
  };
}

/** What is not proven dead, and will need a person as no value is at hand. */
async function valueless(
  db: Db,
  mass: MassRevocationView,
  values: ValuesAtHand,
): Promise<WhoBreaks['valueless']> {
  const without = await rowsOf<{
    id: Id;
    credentialId: Id;
    kind: string;
    reference: string;
    name: string;
    version: number;
  }>(
    db,
    `SELECT v.id, c.id AS "credentialId", c.kind, c.reference, c.name, v.number AS version
       FROM mass_revocation_item i JOIN credential c ON c.id = i.credential_id JOIN credential_version v ON v.id = i.version_id
       LEFT JOIN version_death d ON d.version_id = v.id
      WHERE i.mass_revocation_id = $1 AND v.store_ref IS NULL AND d.value_ref IS NULL AND d.liveness IS DISTINCT FROM 'dead'
      ORDER BY c.name, v.number, v.id`,
    [mass.id],
  );
  const missed = await values.missed(db, without);
  const listed = without.flatMap(({ id, reference, name, version }) => {
    const neededFor = missed.get(id);
    return neededFor ? [{ reference, name, version, neededFor }] : [];
  });
  return { versions: listed.length, listed: listed.slice(0, SHOWN) };
}

/** What fits the selection by now and was not previewed. */
async function addedSince(db: Db, mass: MassRevocationView): Promise<WhoBreaks['added']> {
  const { sql, params } = selected(mass.selection, 2);
  return rowsOf(
    db,
    `SELECT c.reference, c.name, v.number AS version ${sql}
        AND NOT EXISTS (SELECT FROM mass_revocation_item i WHERE i.mass_revocation_id = $1 AND i.version_id = v.id)
      ORDER BY c.name, v.number, v.id LIMIT ${SHOWN}`,
    [mass.id, ...params],
  );
}

/** What each version would wait for, by what is agreed today. Of what nobody approved yet, what is proven dead waits for nothing. */
async function decisionsOf(db: Db, mass: MassRevocationView): Promise<WhoBreaks['decisions']> {
  const rows = await rowsOf<AuthoritySources & { n: number }>(
    db,
    `SELECT c.authority, c.approve_within_minutes, c.approve_otherwise, a.authority AS agreement_authority,
            a.approve_within_minutes AS agreement_minutes, a.approve_otherwise AS agreement_otherwise, count(*)::int AS n
       FROM mass_revocation_item i JOIN credential c ON c.id = i.credential_id JOIN integration g ON g.id = c.integration_id
       LEFT JOIN LATERAL (
            SELECT authority, approve_within_minutes, approve_otherwise FROM agreement_version
             WHERE agreement_id = g.agreement_id AND valid_until IS NULL ORDER BY number DESC LIMIT 1) a ON true
       LEFT JOIN version_death d ON d.version_id = i.version_id
      WHERE i.mass_revocation_id = $1 AND NOT ($2 AND d.liveness IS NOT DISTINCT FROM 'dead') GROUP BY 1, 2, 3, 4, 5, 6`,
    [mass.id, mass.state === 'draft' || mass.state === 'overtaken'],
  );
  const decisions = { act: 0, approve: 0, replace_first: 0, person: 0 };
  for (const row of rows) decisions[orderedDecision(authorityOf(row), mass, 0).may] += row.n;
  return decisions;
}
