import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { downstreamCounts, downstreamItems } from '../../domain/incidents/downstream.queries.ts';
import type { DownstreamItemView } from '../../domain/incidents/downstream.schema.ts';
import type { FailureView } from '../../domain/incidents/failure.schema.ts';
import { failures } from '../../domain/incidents/failures.queries.ts';
import { listNotices, type NoticeView } from '../../domain/notices/notices.queries.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import { listSteps } from '../../domain/runbooks/steps.queries.ts';
import { attemptsShown, type ShownAttempt } from '../../domain/revocation/ways.queries.ts';
import { stoppersOfAll, type ShownStopper } from '../credentials/stoppers.queries.ts';
import { subjectsOf } from '../notices/notices.queries.ts';
import { askedOf, type Asked } from '../runbooks/work.queries.ts';
import { convergenceOf, type Convergence } from '../../domain/credentials/convergence.rules.ts';
import { holds, placesOf, targetNumber } from '../../domain/credentials/holdings.queries.ts';
import { ms } from '../shared/sql.ts';
import { DEAD, EXPOSED_COUNTS, UNPROVEN, type ExposedCounts } from './incidents.queries.ts';
import { updateCadence } from '../../domain/incidents/update-cadence.queries.ts';
import type { UpdateCadenceView } from '../../domain/incidents/update-cadence.schema.ts';
import { timelineOf, type TimelineEntry } from './timeline.queries.ts';
import {
  instantsOf,
  roomCasesOf,
  totalsOf,
  witnessesOf,
  SHOWN,
  type RoomCase,
  type RoomInstant,
  type RoomTotals,
  type Witness,
} from './room-context.queries.ts';

/** How many of those who are asked stand in the room itself. */
const ASKS = 8;

export interface RoomHead extends ExposedCounts {
  id: Id;
  reference: string;
  title: string;
  state: string;
  severity: string;
  awarenessAt: Millis;
  openedAt: Millis;
  containedAt: Millis | null;
  closedAt: Millis | null;
  previousReference: string | null;
  /** Who took it on; null: nobody yet. */
  acknowledgedBy: string | null;
  dismissalAsked: boolean;
  copies: number;
  copiesGone: number;
}

export async function findIncident(db: Db, reference: string): Promise<RoomHead | undefined> {
  const [row] = await db.query<Omit<RoomHead, 'alive'>[]>(
    `SELECT i.id, i.reference, i.title, i.state, i.severity, ${ms('i.awareness_at')} AS "awarenessAt",
            ${ms('i.opened_at')} AS "openedAt", ${ms('i.contained_at')} AS "containedAt", ${ms('i.closed_at')} AS "closedAt",
            p.reference AS "previousReference", coalesce(w.name, i.acknowledged_by) AS "acknowledgedBy",
            i.dismiss_requested_by IS NOT NULL AS "dismissalAsked", counts.*, copies.copies, copies.gone AS "copiesGone"
       FROM incident i LEFT JOIN incident p ON p.id = i.previous_incident_id
       LEFT JOIN person w ON w.id::text = i.acknowledged_by
       CROSS JOIN LATERAL (${EXPOSED_COUNTS}) counts
       CROSS JOIN LATERAL (
         SELECT count(*)::int AS copies, count(*) FILTER (WHERE proof.verdict = 'gone')::int AS gone
           FROM incident_credential x
           JOIN location l ON l.credential_id = x.credential_id AND l.retired_at IS NULL AND ${holds('l', 'x.version_id')}
           LEFT JOIN LATERAL (SELECT q.verdict, q.method FROM location_proof q WHERE q.location_id = l.id AND q.version_id = x.version_id
                               ORDER BY q.at DESC, q.id DESC LIMIT 1) proof ON true
          WHERE x.incident_id = i.id) copies
      WHERE i.reference = $1`,
    [reference],
  );
  return row && { ...row, alive: row.exposed - row.dead - row.unproven };
}

export interface ExposedCredential {
  versionId: Id;
  credentialId: Id;
  reference: string;
  name: string;
  number: number;
  environment: string;
  /** 0 to 1000. */
  risk: number;
  integrationReference: string;
  integrationName: string;
  supplier: string | null;
  supplierReference: string | null;
  match: string;
  authority: string;
  mayAct: string;
  why: string;
  standing: 'dead' | 'unproven' | 'alive';
  revocation: string | null;
  liveness: string | null;
  livenessAt: Millis | null;
  sessions: string | null;
  sessionsUntil: Millis | null;
  expiresAt: Millis | null;
  statements: string[];
  riskUntil: Millis | null;
  copies: {
    id: Id;
    name: string;
    kind: string;
    path: string;
    provable: string;
    verdict: string | null;
    /** What the verdict rests on; empty: there is none. */
    method: string;
    partyName: string | null;
  }[];
  stoppers: ShownStopper[];
  /** Towards the version that took its place; null: none has yet. */
  convergence: Convergence | null;
  /** The ways that were tried one after another, once the first had given up. */
  attempts: ShownAttempt[];
}

const RANK = `CASE WHEN ${DEAD} THEN 2 WHEN ${UNPROVEN} THEN 1 ELSE 0 END`;

/**
 * The exposed versions: what lives first, then what cannot be proven, then the dead; the riskiest first within each.
 *
 * @param after rank, risk and version of the last row before, as `rank:risk` and id
 */
export async function exposedCredentials(
  db: Db,
  incidentId: Id,
  now: Millis,
  o: { after?: { key: string; id: string } | undefined; limit: number },
): Promise<ExposedCredential[]> {
  const [rank = null, risk = null] = (/^([0-2]):(\d{1,4})$/.exec(o.after?.key ?? '')?.slice(1) ?? []).map(
    Number,
  );
  const rows = await db.query<
    (Omit<ExposedCredential, 'stoppers' | 'attempts' | 'standing' | 'convergence'> & {
      rank: number;
      activeNumber: number | null;
    })[]
  >(
    `WITH ranked AS (
       SELECT x.*, ${RANK} AS rank, c.risk, c.reference, c.name, c.environment, c.verifier_party_id, d.revocation, d.liveness,
              d.liveness_at, d.sessions, d.sessions_until
         FROM incident_credential x
         JOIN credential c ON c.id = x.credential_id
         LEFT JOIN version_death d ON d.version_id = x.version_id
        WHERE x.incident_id = $1),
     page AS (
       SELECT * FROM ranked
        WHERE $3::int IS NULL OR (rank, -risk, version_id) > ($3, -$4::int, $5::uuid)
        ORDER BY rank, risk DESC, version_id LIMIT $6)
     SELECT x.version_id AS "versionId", x.credential_id AS "credentialId", x.reference, x.name, v.number, x.environment,
            i.reference AS "integrationReference", i.name AS "integrationName", p.name AS supplier, p.reference AS "supplierReference", x.match, x.authority,
            x.may_act AS "mayAct", x.why, x.rank, x.risk, x.revocation, x.liveness, ${ms('x.liveness_at')} AS "livenessAt", x.sessions,
            ${ms('x.sessions_until')} AS "sessionsUntil", ${ms('v.expires_at')} AS "expiresAt",
            ARRAY(SELECT DISTINCT s.kind FROM statement s WHERE s.subject_id = x.version_id) AS statements,
            (SELECT ${ms('max(r.until)')} FROM risk_acceptance r WHERE r.subject_id = x.version_id AND r.until > $2) AS "riskUntil",
            coalesce(copies.list, '[]') AS copies,
            nullif(${targetNumber('x.credential_id')}, v.number) AS "activeNumber"
       FROM page x
       JOIN credential_version v ON v.id = x.version_id
       JOIN integration i ON i.id = x.integration_id
       LEFT JOIN party p ON p.id = x.verifier_party_id
       LEFT JOIN LATERAL (
         SELECT json_agg(json_build_object('id', l.id, 'name', l.name, 'kind', l.kind, 'path', l.path, 'provable', l.provable,
                                           'partyName', o.name, 'verdict', proof.verdict, 'method', coalesce(proof.method, '')) ORDER BY l.name) AS list
           FROM (SELECT * FROM location a WHERE a.credential_id = x.credential_id AND a.retired_at IS NULL
                    AND ${holds('a', 'x.version_id')} ORDER BY a.name LIMIT 60) l
           LEFT JOIN party o ON o.id = l.party_id
           LEFT JOIN LATERAL (SELECT q.verdict, q.method FROM location_proof q WHERE q.location_id = l.id AND q.version_id = x.version_id
                               ORDER BY q.at DESC, q.id DESC LIMIT 1) proof ON true) copies ON true
      ORDER BY x.rank, x.risk DESC, x.version_id`,
    [incidentId, new Date(now), rank, risk, o.after?.id ?? null, o.limit],
  );
  const open = rows.filter((row) => row.rank < 2).map((row) => row.credentialId);
  const stoppers =
    open.length > 0 ? await stoppersOfAll(db, [...new Set(open)], now) : new Map<Id, ShownStopper[]>();
  const attempts = await attemptsShown(db, [...new Set(open)]);
  const replaced = rows.filter((row) => row.activeNumber !== null).map((row) => row.credentialId);
  const places = replaced.length > 0 ? await placesOf(db, [...new Set(replaced)]) : new Map();
  return rows.map(({ activeNumber, ...row }) => ({
    ...row,
    convergence:
      activeNumber === null ? null : convergenceOf(places.get(row.credentialId) ?? [], activeNumber),
    attempts: attempts.filter(({ versionId }) => versionId === row.versionId),
    standing: row.rank === 2 ? 'dead' : row.rank === 1 ? 'unproven' : 'alive',
    stoppers: stoppers.get(row.credentialId) ?? [],
  }));
}

/** Where a page of exposed credentials ends. */
export function exposedCursor(row: ExposedCredential): { key: string; id: string } {
  const rank = row.standing === 'dead' ? 2 : row.standing === 'unproven' ? 1 : 0;
  return { key: `${rank}:${row.risk}`, id: row.versionId };
}

/** One step of one runbook, over all its runs about an incident: how many of its items are where. */
export interface RunNode {
  runbook: string;
  runTitle: string;
  step: string;
  title: string;
  runs: number;
  running: number;
  startedAt: Millis;
  /** When the last of its runs ended; null while one goes on. */
  finishedAt: Millis | null;
  total: number;
  parked: number;
  /** Running, or waiting for an answer from outside. */
  moving: number;
  done: number;
  failed: number;
  skipped: number;
  cancelled: number;
}

/** Every step of every runbook that runs about this incident. Reads counters, not steps. */
export function runNodesOf(db: Db, incidentId: Id): Promise<RunNode[]> {
  return db.query(
    `WITH runs AS (SELECT * FROM run WHERE subject_id = $1),
          -- Two partial indexes hold these few; what is to come and what is done is in the counters.
          held AS (
            SELECT s.run_id, s.node, count(*) FILTER (WHERE s.state = 'parked') AS parked, count(*) FILTER (WHERE s.state <> 'parked') AS moving
              FROM (SELECT run_id, node, state FROM step WHERE state IN ('waiting', 'unknown', 'parked') AND run_id IN (SELECT id FROM runs)
                    UNION ALL
                    SELECT run_id, node, state FROM step WHERE state = 'running' AND run_id IN (SELECT id FROM runs)) s
             GROUP BY s.run_id, s.node),
          books AS (
            SELECT runbook, count(*)::int AS runs, count(*) FILTER (WHERE finished_at IS NULL)::int AS running, min(started_at) AS started_at,
                   CASE WHEN bool_and(finished_at IS NOT NULL) THEN max(finished_at) END AS finished_at
              FROM runs GROUP BY runbook)
     SELECT r.runbook, min(r.title) AS "runTitle", n.step, min(n.title) AS title, b.runs, b.running, ${ms('b.started_at')} AS "startedAt",
            ${ms('b.finished_at')} AS "finishedAt", sum(greatest(n.total, coalesce(n.expected, 0)))::int AS total,
            coalesce(sum(h.parked), 0)::int AS parked, coalesce(sum(h.moving), 0)::int AS moving, sum(n.done)::int AS done,
            sum(n.failed)::int AS failed, sum(n.skipped)::int AS skipped, sum(n.cancelled)::int AS cancelled
       FROM runs r JOIN run_node n ON n.run_id = r.id JOIN books b ON b.runbook = r.runbook
       LEFT JOIN held h ON h.run_id = n.run_id AND h.node = n.node
      WHERE NOT n.on_demand OR n.total > 0
      GROUP BY r.runbook, n.step, b.runs, b.running, b.started_at, b.finished_at
      ORDER BY b.started_at, r.runbook, min(n.node)`,
    [incidentId],
  );
}

export interface Room {
  head: RoomHead;
  credentials: ExposedCredential[];
  nodes: RunNode[];
  /** Parked and failed steps, those first whose time runs out first. */
  waiting: StepView[];
  /** How many wait or have failed, those included that are not shown. */
  waitingCount: number;
  /** Who is asked by those. */
  asked: Asked;
  notices: NoticeView[];
  updates: UpdateCadenceView | undefined;
  timeline: TimelineEntry[];
  instants: RoomInstant[];
  witnesses: Witness[];
  cases: RoomCase[];
  /** How many there are of what a room shows only the first of. */
  totals: RoomTotals;
  /** What the exposed credentials reached: how much, and what ends first. */
  downstream: { counts: Awaited<ReturnType<typeof downstreamCounts>>; items: DownstreamItemView[] };
  /** What failed since it is known, the newest. */
  failures: FailureView[];
}

/** What ends first is asked first; what has no end comes last. */
function byUrgency(a: StepView, b: StepView): number {
  const [x, y] = [a.dueAt ?? '9', b.dueAt ?? '9'];
  return x === y ? (a.id < b.id ? -1 : 1) : x < y ? -1 : 1;
}

/** Everything a responder looks at, in one transaction and so of one moment. */
export async function roomOf(db: Db, reference: string, now: Millis): Promise<Room | undefined> {
  const head = await findIncident(db, reference);
  if (!head) return undefined;
  const credentials = await exposedCredentials(db, head.id, now, { limit: SHOWN });
  const cases = await roomCasesOf(db, head.id);
  // Each kind by itself, so that what was told does not crowd out what was not.
  const told = { subjectIds: await subjectsOf(db, reference), limit: SHOWN };
  const notices: NoticeView[] = [];
  for (const timeliness of ['missed', 'open', 'met'] as const)
    notices.push(...(await listNotices(db, { ...told, timeliness })));
  const subjects = [
    head.id,
    ...cases.map(({ id }) => id),
    ...credentials.map(({ versionId }) => versionId),
    ...notices.map(({ id }) => id),
  ];
  const held = await listSteps(db, { subjectId: head.id, states: ['parked', 'failed'], limit: 4 * SHOWN });
  const waiting = held.toSorted(byUrgency).slice(0, ASKS);
  return {
    head,
    credentials,
    cases,
    totals: await totalsOf(db, head.id, told.subjectIds),
    waiting,
    waitingCount: held.length,
    asked: await askedOf(db, waiting),
    notices,
    updates: await updateCadence(db, head.id),
    nodes: await runNodesOf(db, head.id),
    timeline: await timelineOf(db, head.id, subjects),
    instants: await instantsOf(db, head.id),
    witnesses: await witnessesOf(db, head.id),
    downstream: {
      counts: await downstreamCounts(db, head.id, now),
      items: await downstreamItems(db, { incidentId: head.id, state: 'open', limit: ASKS }, now),
    },
    failures: await failures(db, { incidentId: head.id }, ASKS),
  };
}

/**
 * A text that differs whenever something in the room may have changed; cheap enough to ask every second. It reads counters
 * and row versions, no step and no evidence.
 */
export async function pulseOf(db: Db, incidentId: Id): Promise<string> {
  const [row] = await db.query<{ pulse: string }[]>(
    `SELECT concat_ws('/',
       (SELECT row_version FROM incident WHERE id = $1),
       (SELECT concat_ws('.', count(*), sum(d.row_version)) FROM incident_credential x
          LEFT JOIN version_death d ON d.version_id = x.version_id WHERE x.incident_id = $1),
       (SELECT concat_ws('.', count(*), sum(n.total), sum(n.open), sum(n.done), sum(n.failed), sum(n.skipped), sum(n.cancelled))
          FROM run r JOIN run_node n ON n.run_id = r.id WHERE r.subject_id = $1),
       (SELECT concat_ws('.', count(*), max(s.id::text), sum((SELECT count(*) FROM step_approval a WHERE a.step_id = s.id))) FROM run r JOIN step s ON s.run_id = r.id AND s.state = 'parked' WHERE r.subject_id = $1),
       (SELECT concat_ws('.', count(*), sum(k.row_version), (SELECT concat_ws('.', count(*), sum(n.row_version), sum(n.attempts), max(n.updated_at))
          FROM notice n JOIN incident_case c ON c.id = n.subject_id WHERE c.incident_id = $1)) FROM incident_case k WHERE k.incident_id = $1),
       (SELECT count(*) FROM exposure WHERE incident_id = $1),
       (SELECT count(*) FROM failure_report f WHERE f.credential_id IN (SELECT credential_id FROM incident_credential WHERE incident_id = $1)),
       (SELECT count(*) FROM instant WHERE incident_id = $1),
       (SELECT count(*) FROM incident_credential x JOIN location_proof q ON q.version_id = x.version_id WHERE x.incident_id = $1)) AS pulse`,
    [incidentId],
  );
  return row?.pulse ?? '';
}
