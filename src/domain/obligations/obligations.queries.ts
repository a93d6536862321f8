import type { BusinessCalendar, WindowUnit } from '../../kernel/calendar.ts';
import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { clockOf } from '../agreements/term.rules.ts';
import { phaseClock } from './clock.rules.ts';
import { askedBy } from './duties.queries.ts';
import { eventsOf, recompute, thawed, type FrozenClock } from './duty-clock.rules.ts';
import type { ObligationView } from './obligation.schema.ts';

interface Row {
  id: Id;
  kind: 'obligation' | 'notice';
  reference: string;
  case_id: Id;
  case_reference: string;
  integration_name: string;
  title: string;
  recipient: string;
  recipient_role: string;
  source: string;
  phase: string;
  standing: ObligationView['standing'];
  start_event: string;
  start_at: Date | null;
  due_at: Date | null;
  due_date: string | null;
  why: string;
  warn_at: Date | null;
  obligation: ObligationView['obligation'];
  timeliness: ObligationView['timeliness'];
  fulfilled_at: Date | null;
  asked_by: string | null;
  whose: string;
  watched: boolean;
  told: ObligationView['told'];
  withheld_until: Date | null;
  frozen: FrozenClock | null;
  term: {
    count: number | null;
    unit: WindowUnit | null;
    zone: string;
    calendar: BusinessCalendar | null;
  } | null;
  decisions:
    | {
        decision: string;
        reason: string;
        authority: string | null;
        document: string | null;
        until: string | null;
        standsAt: string | null;
        by: string;
        at: string;
      }[]
    | null;
  total: number;
  place: string;
}

/** Who a decision's hand was, for people to read. */
const WHO = (kind: string, id: string) =>
  `coalesce((SELECT p.name FROM user_account u JOIN person p ON p.id = u.person_id WHERE u.id::text = ${id}), CASE WHEN ${kind} = 'system' THEN 'the system' ELSE ${kind} END)`;

const COMMON = (t: string) => `
  (SELECT max(d.until) FROM duty_decision d WHERE d.subject_id = ${t}.id AND d.decision = 'withheld') AS withheld_until,
  (SELECT jsonb_agg(jsonb_build_object('decision', d.decision, 'reason', d.reason, 'authority', d.authority, 'document', d.document,
            'until', d.until, 'standsAt', d.stands_at, 'by', ${WHO('d.by_kind', 'd.by_id')}, 'at', d.at) ORDER BY d.at, d.id)
     FROM duty_decision d WHERE d.subject_id = ${t}.id) AS decisions,
  (SELECT coalesce((SELECT p.name FROM person p WHERE p.id::text = asked.hand), 'somebody over the API')
     FROM (SELECT ${askedBy('hand', `${t}.id`)} AS hand) asked WHERE asked.hand IS NOT NULL) AS asked_by`;

/** Where a duty stands in the register's order: what is over, what is not required and what is watched come last. */
const PLACE = `concat((fulfilled_at IS NOT NULL)::int, (obligation <> 'required')::int, watched::int, (due_at IS NULL)::int,
                      (standing = 'not_started')::int, '.', lpad(coalesce((extract(epoch FROM due_at) * 1000)::bigint, 0)::text, 15, '0'), '.', reference)`;
export const PLACE_PATTERN = /^[01]{5}\.\d{15}\.[A-Z]{3}-[0-9A-Za-z-]{1,40}$/;

/** Whom an open duty of ours is told to, where a party of the integration came to be that after it was written down. */
const KNOWN_NOW = `CASE WHEN NOT o.watched AND o.fulfilled_at IS NULL AND o.audience IN ('authority', 'counterparty') THEN (
                SELECT y.name FROM integration_party p JOIN party y ON y.id = p.party_id
                 WHERE p.integration_id = c.integration_id AND p.party_id <> o.party_id
                   AND p.role = CASE o.audience WHEN 'authority' THEN 'authority' ELSE 'customer' END
                 ORDER BY p.party_name, p.party_id LIMIT 1) END`;

/**
 * Every duty to tell of an incident, those of rules and those of terms: what runs out next first, then those without a
 * number, then those that have not started. By keyset: `after` is the place of the last one of the page before.
 */
export async function register(
  db: Db,
  incidentId: Id,
  now: Millis,
  o: { caseId?: Id | undefined; after?: string | undefined; limit: number },
): Promise<{ obligations: ObligationView[]; total: number; next: string | null }> {
  const rows = await rowsOf<Row>(
    db,
    `SELECT y.* FROM (SELECT x.*, ${PLACE} COLLATE "C" AS place, (count(*) OVER ())::int AS total FROM (
       SELECT o.id, 'obligation' AS kind, o.reference, o.case_id, c.reference AS case_reference, i.name AS integration_name, o.title,
              coalesce(rp.name, ${KNOWN_NOW}, o.tells) AS recipient, o.audience AS recipient_role, o.rule_version AS source, o.phase, o.standing,
              o.start_event, o.start_at, o.due_at, o.due_date::text, o.due_why AS why, o.warn_at, o.obligation, o.timeliness,
              o.fulfilled_at, o.frozen, NULL::jsonb AS term, wp.name AS whose, o.watched,
              (SELECT jsonb_build_object('writtenId', w.id, 'state', w.state, 'contact', k.name || ', ' || kp.name, 'notice', n.reference,
                        'dispatch', n.dispatch, 'receipt', n.receipt)
                 FROM written_notice w JOIN contact k ON k.id = w.contact_id JOIN party kp ON kp.id = w.party_id
                 LEFT JOIN notice n ON n.id = w.notice_id WHERE w.id = o.written_notice_id) AS told, ${COMMON('o')}
         FROM obligation o JOIN incident_case c ON c.id = o.case_id JOIN integration i ON i.id = c.integration_id
         JOIN party wp ON wp.id = o.party_id
         LEFT JOIN party rp ON rp.id = o.recipient_party_id
        WHERE o.incident_id = $1 AND ($2::uuid IS NULL OR o.case_id = $2)
       UNION ALL
       SELECT n.id, 'notice', n.reference, c.id, c.reference, i.name, 'Agreement: ' || replace(n.trigger, '_', ' '), p.name,
              coalesce((SELECT string_agg(ip.role, ', ' ORDER BY ip.role) FROM integration_party ip
                         WHERE ip.integration_id = n.integration_id AND ip.party_id = n.party_id), 'counterparty'),
              coalesce('term ' || t.rule_version, 'term'), n.trigger, CASE WHEN n.due_at IS NULL THEN 'no_number' ELSE 'dated' END,
              n.start_event, n.start_at, n.due_at, NULL, n.due_why, n.warn_at, n.obligation, n.timeliness, n.fulfilled_at, NULL,
              CASE WHEN t.id IS NOT NULL THEN jsonb_build_object('count', t.window_count, 'unit', t.window_unit, 'zone', t.zone,
                'calendar', CASE WHEN k.id IS NOT NULL THEN jsonb_build_object('workingDays', k.working_days, 'holidays', k.holidays,
                  'dayEnds', to_char(k.day_ends, 'HH24:MI')) END) END,
              coalesce((SELECT y.name FROM party y WHERE y.is_operator AND y.retired_at IS NULL ORDER BY y.created_at LIMIT 1), ''), false, NULL,
              ${COMMON('n')}
         FROM notice n JOIN incident_case c ON c.id = n.subject_id AND n.subject_kind = 'case'
         JOIN integration i ON i.id = c.integration_id JOIN party p ON p.id = n.party_id
         LEFT JOIN term t ON t.id = n.term_id LEFT JOIN calendar k ON k.id = t.calendar_id
        WHERE c.incident_id = $1 AND ($2::uuid IS NULL OR c.id = $2) AND n.term_id IS NOT NULL) x) y
      WHERE $4::text IS NULL OR y.place > $4 COLLATE "C" ORDER BY y.place LIMIT $3`,
    [incidentId, o.caseId ?? null, o.limit, o.after ?? null],
  );
  const asserted = await assertedOf(db, [...new Set(rows.map((row) => row.case_id))]);
  return {
    total: rows[0]?.total ?? 0,
    next: rows.length === o.limit && rows.length > 0 ? rows.at(-1)!.place : null,
    obligations: rows.map((row) => viewOf(row, asserted.get(row.case_id) ?? [], now)),
  };
}

/** How many duties of an incident stand how: all of them, whichever page is shown. */
export function standings(
  db: Db,
  incidentId: Id,
): Promise<
  (Pick<ObligationView, 'obligation' | 'timeliness' | 'standing' | 'watched'> & {
    fulfilledAt: string | null;
    count: number;
  })[]
> {
  return rowsOf(
    db,
    `SELECT obligation, timeliness, standing, watched, CASE WHEN fulfilled THEN '' END AS "fulfilledAt", count(*)::int AS count FROM (
       SELECT obligation, timeliness, standing, watched, fulfilled_at IS NOT NULL AS fulfilled FROM obligation WHERE incident_id = $1
       UNION ALL
       SELECT n.obligation, n.timeliness, CASE WHEN n.due_at IS NULL THEN 'no_number' ELSE 'dated' END, false, n.fulfilled_at IS NOT NULL
         FROM notice n JOIN incident_case c ON c.id = n.subject_id AND n.subject_kind = 'case'
        WHERE c.incident_id = $1 AND n.term_id IS NOT NULL) x
      GROUP BY 1, 2, 3, 4, 5`,
    [incidentId],
  );
}

interface Asserted {
  kind: string;
  at: Millis;
  by: string;
  basis: string;
}

/** Instants that were asserted more than once of a case: what the clock would be by each. */
async function assertedOf(db: Db, caseIds: readonly Id[]): Promise<Map<Id, Asserted[]>> {
  const rows = await rowsOf<{ case_id: Id; kind: string; at: Date; by: string; basis: string }>(
    db,
    `SELECT t.case_id, t.kind, t.at, t.basis, ${WHO('t.asserted_by_kind', 't.asserted_by')} AS by FROM instant t
      WHERE t.case_id = ANY($1::uuid[])
        AND EXISTS (SELECT FROM instant x WHERE x.case_id = t.case_id AND x.kind = t.kind AND x.at <> t.at
                       AND (x.disputes_id IS NOT NULL OR t.disputes_id IS NOT NULL))
      ORDER BY t.at, t.id`,
    [caseIds],
  );
  const of = new Map<Id, Asserted[]>();
  for (const { case_id: id, at, ...row } of rows)
    of.set(id, [...(of.get(id) ?? []), { ...row, at: at.getTime() }]);
  return of;
}

function viewOf(row: Row, asserted: readonly Asserted[], now: Millis): ObligationView {
  const due = row.due_at?.getTime() ?? null;
  const end = row.fulfilled_at?.getTime() ?? now;
  const late =
    due !== null && row.obligation === 'required' && end > due && !(row.watched && row.fulfilled_at === null)
      ? Math.floor((end - due) / 1000)
      : null;
  return {
    id: row.id,
    kind: row.kind,
    reference: row.reference,
    caseId: row.case_id,
    caseReference: row.case_reference,
    integrationName: row.integration_name,
    title: row.title,
    recipient: row.recipient,
    recipientRole: row.recipient_role,
    source: row.source,
    phase: row.phase,
    standing: row.standing,
    startEvent: row.start_event,
    startAt: text(row.start_at),
    dueAt: text(row.due_at),
    dueDate: row.due_date,
    why: row.why,
    warnAt: text(row.warn_at),
    obligation: row.obligation,
    withheldUntil: row.obligation === 'withheld' ? text(row.withheld_until) : null,
    timeliness: row.timeliness,
    fulfilledAt: text(row.fulfilled_at),
    lateBy: late,
    askedBy: row.asked_by,
    whose: row.whose,
    watched: row.watched,
    told: row.told,
    // Ours are the instants that are disputed, not when somebody else knew.
    disputed: row.watched ? [] : disputedOf(row, asserted),
    decisions: (row.decisions ?? []).map((one) => ({
      ...one,
      until: one.until && iso(Date.parse(one.until)),
      standsAt: one.standsAt && iso(Date.parse(one.standsAt)),
      at: iso(Date.parse(one.at)),
    })),
  };
}

function disputedOf(row: Row, asserted: readonly Asserted[]): ObligationView['disputed'] {
  const due = (one: Asserted): Millis | null | undefined => {
    if (row.frozen) {
      const event = row.start_event as keyof ReturnType<typeof eventsOf>;
      const at = eventsOf({ [one.kind]: one.at })[event];
      if (at === undefined) return undefined;
      const facts = thawed(row.frozen.facts);
      const { rule, phase } = row.frozen;
      return phaseClock(
        rule,
        rule.phases.find((each) => each.phase === phase)!,
        {
          ...facts,
          events: { ...facts.events, [event]: at },
        },
      ).due;
    }
    if (one.kind !== row.start_event || !row.term) return undefined;
    const { count, unit, zone, calendar } = row.term;
    const window = count === null || unit === null ? null : { count, unit };
    return clockOf({ window, zone, warnPercent: 50, escalatePercent: 80 }, one.at, calendar ?? undefined)
      .dueAt;
  };
  return asserted.flatMap((one) => {
    const at = due(one);
    return at === undefined
      ? []
      : [{ startAt: iso(one.at), dueAt: at === null ? null : iso(at), assertedBy: one.by, basis: one.basis }];
  });
}

function text(at: Date | null): string | null {
  return at === null ? null : iso(at.getTime());
}

/** The clock of an obligation once more, from what was kept with it alone. */
export async function recomputed(db: Db, id: Id) {
  const [row] = await rowsOf<{ due_at: Date | null; due_date: string | null; frozen: FrozenClock }>(
    db,
    `SELECT due_at, due_date::text, frozen FROM obligation WHERE id = $1`,
    [id],
  );
  if (!row) return undefined;
  const clock = recompute(row.frozen);
  return {
    dueAt: clock.due === null ? null : iso(clock.due),
    dueDate: clock.dueDate,
    why: clock.why,
    same: clock.due === (row.due_at?.getTime() ?? null) && clock.dueDate === row.due_date,
    ruleVersion: row.frozen.rule.version,
    frozen: row.frozen,
  };
}

/** The legal hold that stands on an incident. */
export async function holdOn(
  db: Db,
  incidentId: Id,
): Promise<{ reason: string; placedBy: string; placedAt: string } | null> {
  const [row] = await rowsOf<{ reason: string; placed_by: string; placed_at: Date }>(
    db,
    `SELECT h.reason, coalesce((SELECT p.name FROM person p WHERE p.id::text = h.placed_by), 'over the API') AS placed_by, h.placed_at
       FROM legal_hold h WHERE h.incident_id = $1 AND h.lifted_at IS NULL`,
    [incidentId],
  );
  return row ? { reason: row.reason, placedBy: row.placed_by, placedAt: iso(row.placed_at.getTime()) } : null;
}
