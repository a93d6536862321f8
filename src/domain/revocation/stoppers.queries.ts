import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Parameters } from '../parties/named.queries.ts';
import { reachOf, type ReachableContact } from '../parties/reach.rules.ts';
import type { Revocability } from './connector.ts';
import { PROVEN_FOR, stoppersOf, type DrillResult, type StopPath } from './stoppers.rules.ts';
import type { BoardLine, BoardStopper } from './stoppers.schema.ts';

export interface BoardFilter {
  /** Part of the credential's name or reference. */
  text?: string | undefined;
  /** Party that verifies it, or supplies an integration that uses it. */
  supplierId?: Id | undefined;
  integrationId?: Id | undefined;
  /** Issuer, verifier, holder, or at the end of one of its paths. */
  partyId?: Id | undefined;
  /** Only what nobody can stop, or no drill proved. */
  trouble?: boolean | undefined;
  after?: { risk: number; id: Id } | undefined;
  limit: number;
}

const LAST_DRILL = `(SELECT d.started_at, d.ended_at, d.outcome FROM drill d
   WHERE d.revocation_path_id = p.id AND d.outcome IN ('passed', 'failed') AND d.counts AND d.started_at <= $1
   ORDER BY d.started_at DESC LIMIT 1)`;
const LAST_MAIL = `(SELECT a.outcome = 'refused' FROM notice_attempt a WHERE a.contact_id = k.id AND a.outcome <> 'started' ORDER BY a.started_at DESC LIMIT 1)`;

/**
 * As `boardState` says it, for the rows that a filter keeps: a path that is not retired, proven by its last drill, with
 * somebody who can be told where it needs one.
 */
const proven = (since: string) => `c.revocability NOT IN ('impossible', 'expiry_only') AND EXISTS (
  SELECT FROM revocation_path p LEFT JOIN connection n ON n.id = p.connection_id LEFT JOIN contact k ON k.id = p.contact_id
    JOIN LATERAL ${LAST_DRILL} last ON last.outcome = 'passed' AND last.started_at >= ${since}
   WHERE p.credential_id = c.id AND n.retired_at IS NULL AND coalesce(k.active, true)
     AND (k.id IS NULL OR k.phone IS NOT NULL OR (k.email IS NOT NULL AND NOT coalesce(${LAST_MAIL}, false))))`;

interface Row {
  id: Id;
  reference: string;
  name: string;
  environment: string;
  risk: number;
  revocability: Revocability;
  integration: { reference: string; name: string };
  verifier: string | null;
  exposed: boolean;
  drillsKnown: boolean;
  paths: (Omit<StopPath, 'label' | 'byMachine'> & {
    label: string | null;
    partyName: string | null;
    contact: (Omit<ReachableContact, 'active'> & { active: boolean }) | null;
    drill: { startedAt: Millis; endedAt: Millis | null; outcome: 'passed' | 'failed' } | null;
  })[];
}

/**
 * Every credential with who can stop it now, the riskiest first: one statement a page, computed from paths, drills and
 * contacts as they are this moment.
 */
export async function stoppersBoard(db: Db, filter: BoardFilter, now: Millis): Promise<BoardLine[]> {
  const parameters = new Parameters();
  const { $ } = parameters;
  $(new Date(now));
  const conditions = ['c.retired_at IS NULL'];
  if (filter.after !== undefined)
    conditions.push(`(c.risk, c.id) < (${$(filter.after.risk)}::int, ${$(filter.after.id)}::uuid)`);
  if (filter.text !== undefined) {
    const part = $(`%${filter.text.replace(/[\\%_]/g, (char) => `\\${char}`)}%`);
    conditions.push(`(c.name ILIKE ${part} OR c.reference ILIKE ${part})`);
  }
  if (filter.integrationId !== undefined)
    conditions.push(
      `c.id IN (SELECT u.credential_id FROM credential_use u WHERE u.integration_id = ${$(filter.integrationId)})`,
    );
  if (filter.supplierId !== undefined) {
    const supplier = $(filter.supplierId);
    conditions.push(`(c.verifier_party_id = ${supplier} OR c.id IN (SELECT u.credential_id FROM credential_use u
      JOIN integration_party ip ON ip.integration_id = u.integration_id WHERE ip.party_id = ${supplier} AND ip.role = 'supplier'))`);
  }
  if (filter.partyId !== undefined) {
    const party = $(filter.partyId);
    conditions.push(`(c.issuer_party_id = ${party} OR c.verifier_party_id = ${party}
      OR c.id IN (SELECT h.credential_id FROM credential_holder h WHERE h.party_id = ${party})
      OR c.id IN (SELECT p.credential_id FROM revocation_path p WHERE p.party_id = ${party}))`);
  }
  if (filter.trouble) conditions.push(`NOT (${proven($(new Date(now - PROVEN_FOR)))})`);
  const rows = await db.query<Row[]>(
    `WITH page AS (SELECT c.* FROM credential c WHERE ${conditions.join(' AND ')} ORDER BY c.risk DESC, c.id DESC LIMIT ${$(filter.limit)})
     SELECT c.id, c.reference, c.name, c.environment, c.risk, c.revocability,
            jsonb_build_object('reference', i.reference, 'name', i.name) AS integration,
            coalesce(v.name, (SELECT ip.party_name FROM integration_party ip WHERE ip.integration_id = i.id AND ip.party_id = c.verifier_party_id LIMIT 1)) AS verifier,
            (EXISTS (SELECT FROM incident_credential x WHERE x.credential_id = c.id AND x.open)
             OR EXISTS (SELECT FROM case_credential y JOIN incident_case q ON q.id = y.case_id WHERE y.credential_id = c.id AND q.state = 'open')) AS exposed,
            (SELECT cs_installation()) AS "drillsKnown",
            coalesce((SELECT jsonb_agg(jsonb_build_object('id', p.id, 'kind', p.kind, 'ordinal', p.ordinal, 'partyId', p.party_id,
                'expectedMinutes', p.expected_minutes, 'label', coalesce(n.name, k.name), 'retired', coalesce(n.retired_at IS NOT NULL, NOT k.active, false),
                'partyName', coalesce(pt.name, (SELECT ip.party_name FROM integration_party ip WHERE ip.integration_id = p.integration_id AND ip.party_id = p.party_id LIMIT 1)),
                'contact', CASE WHEN k.id IS NOT NULL THEN jsonb_build_object('active', k.active, 'email', k.email, 'phone', k.phone,
                    'confirmedAt', (extract(epoch FROM k.confirmed_at) * 1000)::float8, 'refused', coalesce(${LAST_MAIL}, false)) END,
                'drill', (SELECT jsonb_build_object('startedAt', (extract(epoch FROM last.started_at) * 1000)::float8,
                    'endedAt', (extract(epoch FROM last.ended_at) * 1000)::float8, 'outcome', last.outcome) FROM ${LAST_DRILL} last)) ORDER BY p.ordinal)
              FROM revocation_path p LEFT JOIN party pt ON pt.id = p.party_id LEFT JOIN connection n ON n.id = p.connection_id
              LEFT JOIN contact k ON k.id = p.contact_id WHERE p.credential_id = c.id), '[]') AS paths
       FROM page c JOIN integration i ON i.id = c.integration_id LEFT JOIN party v ON v.id = c.verifier_party_id
      ORDER BY c.risk DESC, c.id DESC`,
    parameters.values,
  );
  return rows.map((row) => lineOf(row, now));
}

function lineOf({ paths, drillsKnown, ...row }: Row, now: Millis): BoardLine {
  const stoppers = stoppersOf(
    row,
    paths.map((path): StopPath => ({
      ...path,
      // A party may not read the other side's connections and contacts.
      label: path.label ?? (path.kind === 'connector' ? 'a connection' : 'a contact'),
      byMachine: path.kind === 'connector' && row.revocability !== 'manual',
    })),
    paths.flatMap((path): DrillResult[] => (path.drill ? [{ ...path.drill, pathId: path.id }] : [])),
    now,
  ).map((stopper): BoardStopper => {
    const path = paths.find(({ id }) => id === stopper.pathId);
    const contact = path?.contact;
    return {
      ...stopper,
      partyName: path?.partyName ?? null,
      standing: drillsKnown ? stopper.standing : null,
      lastDrill: stopper.lastDrill && {
        at: new Date(stopper.lastDrill.at).toISOString(),
        outcome: stopper.lastDrill.outcome,
      },
      reach: contact ? reachOf(contact, now) : null,
      call: contact?.phone ?? contact?.email ?? null,
    };
  });
  return { ...row, stoppers, state: boardState(stoppers) };
}

/**
 * Red is what nobody can stop, and what no drill proved: a way that was never tried, and a proven one at whose end nobody
 * answers, are no ways.
 */
export function boardState(
  stoppers: readonly Pick<BoardStopper, 'standing' | 'reach'>[],
): BoardLine['state'] {
  if (stoppers.length === 0) return 'nobody';
  if (stoppers.every(({ standing }) => standing === null)) return 'unknown';
  return stoppers.some(({ standing, reach }) => standing === 'proven' && reach?.state !== 'unreachable')
    ? 'proven'
    : 'unproven';
}
