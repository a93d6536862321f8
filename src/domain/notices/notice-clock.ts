import type { CanonicalValue } from '../../kernel/canonical-json.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { latestRungAt, nextRungAt, type RungTime } from '../agreements/ladder.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService, type AlertInput } from './alerts.service.ts';
import { clockEvents, timelinessAt, type NoticeState } from './notice.rules.ts';

const BATCH = 500;

/** Whose clock has something to say now, of however many are open: one look into one index. */
export const DUE_NOTICES = `
  SELECT id, reference, start_at, due_at, warn_at, escalate_at, warned_at, escalated_at, fulfilled_at, fulfilled_by,
         obligation, dispatch, receipt, timeliness, attempts, told, acknowledgement_lapses_at, contact_id, rung_at,
         coalesce((SELECT jsonb_agg(jsonb_build_object('afterMinutes', r.after_minutes, 'afterPercent', r.after_percent))
            FROM term_recipient r WHERE r.term_id = notice.term_id AND num_nonnulls(r.after_minutes, r.after_percent) = 1), '[]') AS rungs
    FROM notice WHERE next_clock_at <= $1 ORDER BY next_clock_at LIMIT $2 FOR UPDATE SKIP LOCKED`;

interface ClockRow {
  id: Id;
  reference: string;
  start_at: Date;
  due_at: Date | null;
  warn_at: Date | null;
  escalate_at: Date | null;
  warned_at: Date | null;
  escalated_at: Date | null;
  fulfilled_at: Date | null;
  fulfilled_by: NoticeState['fulfilledBy'];
  obligation: NoticeState['obligation'];
  dispatch: NoticeState['dispatch'];
  receipt: NoticeState['receipt'];
  timeliness: NoticeState['timeliness'];
  attempts: number;
  told: number;
  acknowledgement_lapses_at: Date | null;
  contact_id: Id | null;
  rung_at: Date | null;
  /** Of its ladder, those with a time of their own. */
  rungs: RungTime[];
}

/**
 * Watches every open clock: warns, escalates, and decides once whether a notice was in time. It finds its work in the
 * rows alone, so that a queue that lost everything delays nothing by more than its own period.
 */
@Sweep({ name: 'notices.clock', every: SECOND })
export class NoticeClock implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
  ) {}

  async sweep(by: Principal): Promise<void> {
    while ((await this.transactions.run(by, (db) => this.round(db, by))) === BATCH);
  }

  private async round(db: Db, by: Principal): Promise<number> {
    const now = this.clock.now();
    const rows: ClockRow[] = await db.query(DUE_NOTICES, [iso(now), BATCH]);
    const said = rows.map((row) => saidOf(row, now));
    if (said.length === 0) return 0;
    await this.write(db, said, now);
    await this.ledger.append(
      db,
      said.flatMap(({ row, entries }) =>
        entries.map(({ kind, facts }) => ({
          kind,
          subject: { kind: 'notice', id: row.id },
          by,
          at: now,
          facts: { reference: row.reference, ...facts },
        })),
      ),
    );
    await this.alerts.raiseAll(
      db,
      said.flatMap(({ alerts }) => alerts),
    );
    await this.escalate(db, said, now);
    const lapsed = said.filter((one) => one.lapsed).map(({ row }) => row.id);
    if (lapsed.length > 0)
      await db.query(
        `UPDATE acknowledgement SET effective = false WHERE notice_id = ANY ($1::uuid[]) AND effective`,
        [lapsed],
      );
    return rows.length;
  }

  private async write(db: Db, said: readonly Said[], now: Millis): Promise<void> {
    // The same notice once more is a message of its own; delivery finds whom to tell next.
    await db.query(
      `UPDATE notice n SET warned_at = r.warned, escalated_at = r.escalated, timeliness = r.timeliness,
              decided_at = CASE WHEN r.timeliness = 'open' THEN NULL ELSE coalesce(n.decided_at, $8) END,
              acknowledgement_lapses_at = CASE WHEN r.lapsed THEN NULL ELSE n.acknowledgement_lapses_at END,
              receipt = CASE WHEN r.lapsed THEN 'delivered' ELSE n.receipt END,
              dispatch = CASE WHEN r.again THEN 'owed' ELSE n.dispatch END, told = n.told + r.again::int,
              next_attempt_at = CASE WHEN r.again THEN $8 ELSE n.next_attempt_at END,
              rung_at = r.rung, next_clock_at = r.next, updated_at = $8, row_version = n.row_version + 1
         FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::boolean[], $7::boolean[], $9::timestamptz[])
           AS r(id, warned, escalated, timeliness, next, lapsed, again, rung)
        WHERE n.id = r.id`,
      [
        said.map(({ row }) => row.id),
        said.map(({ warnedAt }) => orNull(warnedAt)),
        said.map(({ escalatedAt }) => orNull(escalatedAt)),
        said.map(({ timeliness }) => timeliness),
        said.map(({ nextAt }) => orNull(nextAt)),
        said.map(({ lapsed }) => lapsed),
        said.map(({ again }) => again),
        iso(now),
        said.map(({ rungAt }) => orNull(rungAt)),
      ],
    );
  }

  private async escalate(db: Db, said: readonly Said[], now: Millis): Promise<void> {
    const rungs = said.flatMap(({ row, levels }) => levels.map((level) => ({ row, level })));
    if (rungs.length === 0) return;
    await db.query(
      `INSERT INTO escalation (id, subject_kind, subject_id, level, reason, contact_id, role, at)
       SELECT r.id, 'notice', r.subject, r.level, r.reason, NULL, r.role, $6
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) AS r(id, subject, level, reason, role)
       ON CONFLICT (subject_id, level) DO NOTHING`,
      [
        rungs.map(() => newId()),
        rungs.map(({ row }) => row.id),
        rungs.map(({ level }) => level),
        rungs.map(({ row, level }) => `notice ${row.reference} ${ALERT_WORD[level]}`),
        rungs.map(({ level }) => (level === 'warn' ? 'responder' : 'contract_owner')),
        iso(now),
      ],
    );
  }
}

type Level = 'warn' | 'escalate' | 'missed';

/** What the clock says of one notice, with what is to be written. */
interface Said {
  row: ClockRow;
  warnedAt: Millis | null;
  escalatedAt: Millis | null;
  timeliness: NoticeState['timeliness'];
  nextAt: Millis | null;
  /** Acknowledged, and then nothing happened: the acknowledgement no longer says that somebody is on it. */
  lapsed: boolean;
  /** It is told once more. */
  again: boolean;
  /** The latest rung of its ladder whose time has come. */
  rungAt: Millis | null;
  levels: Level[];
  entries: { kind: string; facts: Record<string, CanonicalValue> }[];
  alerts: AlertInput[];
}

function saidOf(row: ClockRow, now: Millis): Said {
  const state = stateOf(row);
  const events = clockEvents(state, now);
  const lapsesAt = row.acknowledgement_lapses_at?.getTime() ?? null;
  const lapsed = lapsesAt !== null && lapsesAt <= now;
  const after = {
    warnedAt: state.warnedAt ?? (events.includes('warn') ? now : null),
    escalatedAt: state.escalatedAt ?? (events.includes('escalate') || events.includes('missed') ? now : null),
    timeliness: state.timeliness === 'open' ? timelinessAt(state, now) : state.timeliness,
  };
  if (
    after.timeliness === 'missed' &&
    events.includes('missed') &&
    !events.includes('escalate') &&
    state.escalatedAt === null
  ) {
    events.push('escalate');
  }
  // A peer has it and nobody answers, where an answer is what was promised: the next one of the ladder is told.
  const unanswered =
    row.dispatch === 'accepted' &&
    state.fulfilledAt === null &&
    (row.fulfilled_by === 'acknowledged' || row.fulfilled_by === 'received');
  const told = row.rung_at?.getTime() ?? null;
  const rung = latestRungAt(row.rungs, state, now);
  const climbs = rung !== null && (told === null || rung > told);
  const rungAt = climbs ? rung : told;
  const again =
    row.obligation === 'required' &&
    (lapsed || (unanswered && (climbs || events.some((event) => event !== 'met'))));
  const why = lapsed ? 'lapsed' : climbs && events.length === 0 ? 'rung' : 'unanswered';
  const levels = events.filter((event) => event !== 'met');
  const due = row.due_at?.toISOString() ?? null;
  const fulfilled = row.fulfilled_at?.toISOString() ?? null;
  const alert = (
    kind: string,
    severity: AlertInput['severity'],
    message: string,
    key: string,
  ): AlertInput => ({
    kind: `notice.${kind}`,
    severity,
    message,
    dedupeKey: `notice.${key}`,
    subject: { kind: 'notice', id: row.id },
    at: now,
  });
  return {
    row,
    ...after,
    nextAt: nextClockAt(
      { ...state, ...after },
      lapsed ? null : lapsesAt,
      nextRungAt(row.rungs, state, rungAt),
    ),
    rungAt,
    lapsed,
    again,
    levels,
    entries: [
      ...events.map((event) => ({ kind: `notice.${LEDGER_WORD[event]}`, facts: { due, fulfilled } })),
      ...(lapsed ? [{ kind: 'notice.acknowledgement_lapsed', facts: {} }] : []),
      ...(again
        ? [
            {
              kind: 'notice.told_again',
              facts: { why, told: row.told + 1 },
            },
          ]
        : []),
    ],
    alerts: [
      ...levels.map((level) =>
        alert(
          LEDGER_WORD[level],
          level === 'warn' ? 'warning' : 'critical',
          `Notice ${row.reference} ${ALERT_WORD[level]} (due ${due ?? 'no fixed time'}): it is ${row.dispatch}, receipt ${row.receipt}.`,
          `clock:${row.id}:${level}`,
        ),
      ),
      ...(lapsed
        ? [
            alert(
              'acknowledgement_lapsed',
              'warning',
              `Notice ${row.reference} was acknowledged and nothing followed: it is told again. Call the contact.`,
              `lapsed:${row.id}`,
            ),
          ]
        : []),
    ],
  };
}

const LEDGER_WORD = { warn: 'warned', escalate: 'escalated', met: 'met', missed: 'missed' } as const;
const ALERT_WORD = { warn: 'runs out soon', escalate: 'is about to be late', missed: 'is late' } as const;

/** When the clock has something to say next; null once everything is said. */
function nextClockAt(state: NoticeState, lapsesAt: Millis | null, rung: Millis | null): Millis | null {
  const times: Millis[] = [];
  if (state.obligation === 'required') {
    if (state.fulfilledAt === null) {
      if (state.warnAt !== null && state.warnedAt === null) times.push(state.warnAt);
      if (state.escalateAt !== null && state.escalatedAt === null) times.push(state.escalateAt);
      if (rung !== null) times.push(rung);
    }
    // In time until the due instant itself, so the decision is a millisecond later.
    if (state.timeliness === 'open' && state.dueAt !== null) times.push(state.dueAt + 1);
  }
  if (lapsesAt !== null) times.push(lapsesAt);
  return times.length === 0 ? null : Math.min(...times);
}

function stateOf(row: ClockRow): NoticeState {
  const at = (date: Date | null) => date?.getTime() ?? null;
  return {
    startAt: row.start_at.getTime(),
    dueAt: at(row.due_at),
    warnAt: at(row.warn_at),
    escalateAt: at(row.escalate_at),
    warnedAt: at(row.warned_at),
    escalatedAt: at(row.escalated_at),
    fulfilledAt: at(row.fulfilled_at),
    fulfilledBy: row.fulfilled_by,
    obligation: row.obligation,
    dispatch: row.dispatch,
    receipt: row.receipt,
    timeliness: row.timeliness,
    attempts: row.attempts,
  };
}

function orNull(at: Millis | null): string | null {
  return at === null ? null : iso(at);
}
