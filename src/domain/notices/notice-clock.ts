import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { latestRungAt, nextRungAt, type RungTime } from '../agreements/ladder.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from './alerts.service.ts';
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
@Sweep({ name: 'notices.clock', every: 5 * SECOND })
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
    for (const row of rows) await this.tell(db, row, now, by);
    return rows.length;
  }

  private async tell(db: Db, row: ClockRow, now: Millis, by: Principal): Promise<void> {
    const state = stateOf(row);
    const events = clockEvents(state, now);
    const lapsed = row.acknowledgement_lapses_at !== null && row.acknowledgement_lapses_at.getTime() <= now;
    const after = {
      warnedAt: state.warnedAt ?? (events.includes('warn') ? now : null),
      escalatedAt:
        state.escalatedAt ?? (events.includes('escalate') || events.includes('missed') ? now : null),
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
    const tellAgain =
      row.obligation === 'required' &&
      (lapsed || (unanswered && (climbs || events.some((event) => event !== 'met'))));
    await db.query(
      `UPDATE notice SET warned_at = $2, escalated_at = $3, timeliness = $4,
              decided_at = CASE WHEN $4 = 'open' THEN NULL ELSE coalesce(decided_at, $5) END,
              acknowledgement_lapses_at = CASE WHEN $7 THEN NULL ELSE acknowledgement_lapses_at END,
              receipt = CASE WHEN $7 THEN 'delivered' ELSE receipt END,
              rung_at = $8, next_clock_at = $6, updated_at = $5, row_version = row_version + 1
       WHERE id = $1`,
      [
        row.id,
        orNull(after.warnedAt),
        orNull(after.escalatedAt),
        after.timeliness,
        iso(now),
        orNull(
          nextClockAt(
            { ...state, ...after },
            lapsed ? null : (row.acknowledgement_lapses_at?.getTime() ?? null),
            nextRungAt(row.rungs, state, climbs ? rung : told),
          ),
        ),
        lapsed,
        orNull(climbs ? rung : told),
      ],
    );
    for (const event of events) await this.write(db, row, event, now, by);
    if (lapsed) await this.lapse(db, row, now, by);
    if (tellAgain)
      await this.tellAgain(
        db,
        row,
        lapsed ? 'lapsed' : climbs && events.length === 0 ? 'rung' : 'unanswered',
        now,
        by,
      );
  }

  private async write(
    db: Db,
    row: ClockRow,
    event: 'warn' | 'escalate' | 'met' | 'missed',
    now: Millis,
    by: Principal,
  ): Promise<void> {
    await this.ledger.append(db, {
      kind: `notice.${LEDGER_WORD[event]}`,
      subject: { kind: 'notice', id: row.id },
      by,
      at: now,
      facts: {
        reference: row.reference,
        due: row.due_at?.toISOString() ?? null,
        fulfilled: row.fulfilled_at?.toISOString() ?? null,
      },
    });
    if (event === 'met') return;
    const due = row.due_at?.toISOString() ?? 'no fixed time';
    await this.alerts.raise(db, {
      kind: `notice.${LEDGER_WORD[event]}`,
      severity: event === 'warn' ? 'warning' : 'critical',
      message: `Notice ${row.reference} ${ALERT_WORD[event]} (due ${due}): it is ${row.dispatch}, receipt ${row.receipt}.`,
      dedupeKey: `notice.clock:${row.id}:${event}`,
      subject: { kind: 'notice', id: row.id },
      at: now,
    });
    await db.query(
      `INSERT INTO escalation (id, subject_kind, subject_id, level, reason, contact_id, role, at)
       VALUES ($1, 'notice', $2, $3, $4, NULL, $5, $6) ON CONFLICT (subject_id, level) DO NOTHING`,
      [
        newId(),
        row.id,
        event,
        `notice ${row.reference} ${ALERT_WORD[event]}`,
        event === 'warn' ? 'responder' : 'contract_owner',
        iso(now),
      ],
    );
  }

  /** The same notice once more, as a message of its own; delivery finds whom to tell next. */
  private async tellAgain(
    db: Db,
    row: ClockRow,
    why: 'lapsed' | 'unanswered' | 'rung',
    now: Millis,
    by: Principal,
  ): Promise<void> {
    await db.query(
      `UPDATE notice SET dispatch = 'owed', told = told + 1, next_attempt_at = $2, updated_at = $2, row_version = row_version + 1
        WHERE id = $1`,
      [row.id, iso(now)],
    );
    await this.ledger.append(db, {
      kind: 'notice.told_again',
      subject: { kind: 'notice', id: row.id },
      by,
      at: now,
      facts: { reference: row.reference, why, told: row.told + 1 },
    });
  }

  /** Acknowledged, and then nothing happened: the acknowledgement no longer says that somebody is on it. */
  private async lapse(db: Db, row: ClockRow, now: Millis, by: Principal): Promise<void> {
    await db.query(`UPDATE acknowledgement SET effective = false WHERE notice_id = $1 AND effective`, [
      row.id,
    ]);
    await this.ledger.append(db, {
      kind: 'notice.acknowledgement_lapsed',
      subject: { kind: 'notice', id: row.id },
      by,
      at: now,
      facts: { reference: row.reference },
    });
    await this.alerts.raise(db, {
      kind: 'notice.acknowledgement_lapsed',
      severity: 'warning',
      message: `Notice ${row.reference} was acknowledged and nothing followed: it is told again. Call the contact.`,
      dedupeKey: `notice.lapsed:${row.id}`,
      subject: { kind: 'notice', id: row.id },
      at: now,
    });
  }
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
