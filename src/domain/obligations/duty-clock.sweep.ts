import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { clockEvents, type ClockEvent, type NoticeState } from '../notices/notice.rules.ts';
import { DutyNotices } from './duty-notices.service.ts';
import { ObligationsService } from './obligations.service.ts';
import { WithheldDuties } from './withheld-duties.service.ts';

const BATCH = 500;

const COLUMNS = `case_id, watched, id, reference, incident_id, title, tells, start_at, due_at, warn_at, escalate_at, warned_at, escalated_at, fulfilled_at,
         obligation, timeliness, written_notice_id`;

/** What is due now, of however many are open: one look into one index. */
export const DUE_OBLIGATIONS = `
  SELECT ${COLUMNS}
    FROM obligation WHERE next_clock_at <= $1 ORDER BY next_clock_at LIMIT $2 FOR UPDATE SKIP LOCKED`;

interface Row {
  id: Id;
  reference: string;
  incident_id: Id;
  title: string;
  tells: string;
  start_at: Date | null;
  due_at: Date | null;
  warn_at: Date | null;
  escalate_at: Date | null;
  warned_at: Date | null;
  escalated_at: Date | null;
  fulfilled_at: Date | null;
  obligation: NoticeState['obligation'];
  timeliness: NoticeState['timeliness'];
  written_notice_id: Id | null;
  case_id: Id;
  watched: boolean;
}

/**
 * Watches the clocks of obligations: warns, escalates, and decides once that one was missed. It finds its work in the rows
 * alone: whatever passed while nothing ran is told, once each, when something runs again.
 */
@Sweep({ name: 'obligations.clock', every: 5 * SECOND })
export class DutyClockSweep implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly withheld: WithheldDuties,
    private readonly notices: DutyNotices,
    private readonly obligations: ObligationsService,
  ) {}

  async sweep(by: Principal): Promise<void> {
    await this.withheld.returnExpired(by);
    for (let more = true; more;) {
      const rows = await this.transactions.run(by, (db) => this.#round(db, by));
      more = rows.length === BATCH;
      for (const row of rows) {
        if (row.watched) await this.transactions.run(by, (db) => this.#heardOf(db, row, by));
        else if (row.written_notice_id !== null)
          await this.transactions.run(by, (db) => this.#carried(db, row.id, by));
      }
    }
  }

  /** What is told by a notice is left to a transaction of its own: what follows it may start. */
  async #round(db: Db, by: Principal): Promise<Row[]> {
    const now = this.clock.now();
    const rows = await rowsOf<Row>(db, DUE_OBLIGATIONS, [iso(now), BATCH]);
    for (const row of rows)
      if (row.written_notice_id === null && !row.watched) await this.#tell(db, row, now, by, false);
    return rows;
  }

  /** Somebody else whose duty we watch was told by us: they know since then. */
  async #heardOf(db: Db, row: Row, by: Principal): Promise<void> {
    await this.obligations.reckon(db, row.incident_id, by, { caseIds: [row.case_id] });
    await db.query(`UPDATE obligation SET next_clock_at = NULL WHERE id = $1 AND watched`, [row.id]);
  }

  /** The notice speaks for its duty: it warns and escalates itself, to whom it can. */
  async #carried(db: Db, id: Id, by: Principal): Promise<void> {
    if (await this.notices.follow(db, id, by)) return;
    const [row] = await rowsOf<Row & { spoken_for: boolean }>(
      db,
      `SELECT ${COLUMNS}, EXISTS (SELECT FROM written_notice w JOIN notice n ON n.id = w.notice_id AND n.obligation = 'required'
                                   WHERE w.id = written_notice_id) AS spoken_for
         FROM obligation WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (row) await this.#tell(db, row, this.clock.now(), by, row.spoken_for);
  }

  async #tell(db: Db, row: Row, now: Millis, by: Principal, spokenFor: boolean): Promise<void> {
    const events = clockEvents(stateOf(row), now);
    const missed = events.includes('missed');
    if (missed && row.escalated_at === null && !events.includes('escalate')) events.push('escalate');
    const warnedAt = row.warned_at?.getTime() ?? (events.includes('warn') ? now : null);
    const escalatedAt = row.escalated_at?.getTime() ?? (events.includes('escalate') ? now : null);
    const next = [
      warnedAt === null ? row.warn_at?.getTime() : undefined,
      escalatedAt === null ? row.escalate_at?.getTime() : undefined,
      // In time until the due instant itself, so that the decision is a millisecond later.
      row.timeliness === 'open' && !missed && row.due_at !== null ? row.due_at.getTime() + 1 : undefined,
    ].filter((at) => at !== undefined);
    await db.query(
      `UPDATE obligation SET warned_at = $2, escalated_at = $3, timeliness = CASE WHEN $4 THEN 'missed' ELSE timeliness END,
              decided_at = CASE WHEN $4 THEN $5 ELSE decided_at END, next_clock_at = $6, updated_at = $5, row_version = row_version + 1
        WHERE id = $1`,
      [
        row.id,
        orNull(warnedAt),
        orNull(escalatedAt),
        missed,
        iso(now),
        row.obligation === 'required' && row.fulfilled_at === null && next.length > 0
          ? iso(Math.min(...next))
          : null,
      ],
    );
    for (const event of events) await this.#write(db, row, event, now, by, spokenFor);
  }

  async #write(
    db: Db,
    row: Row,
    event: ClockEvent,
    now: Millis,
    by: Principal,
    spokenFor: boolean,
  ): Promise<void> {
    const { ledger, says } = WORDS[event];
    await this.ledger.append(db, {
      kind: `obligation.${ledger}`,
      subject: { kind: 'obligation', id: row.id },
      by,
      at: now,
      facts: { reference: row.reference, due: row.due_at?.toISOString() ?? null },
    });
    if (spokenFor) return;
    await this.alerts.raise(db, {
      kind: `obligation.${ledger}`,
      severity: event === 'warn' ? 'warning' : 'critical',
      message: `${row.reference} ${says} (due ${row.due_at?.toISOString() ?? 'without a number'}): ${row.title}.`,
      dedupeKey: `obligation.clock:${row.id}:${event}`,
      subject: { kind: 'incident', id: row.incident_id },
      at: now,
    });
    await db.query(
      `INSERT INTO escalation (id, subject_kind, subject_id, level, reason, contact_id, role, at)
       VALUES ($1, 'obligation', $2, $3, $4, NULL, $5, $6) ON CONFLICT (subject_id, level) DO NOTHING`,
      [
        newId(),
        row.id,
        event,
        `${row.reference} ${says}`,
        event === 'warn' ? 'responder' : 'contract_owner',
        iso(now),
      ],
    );
  }
}

const WORDS: Readonly<Record<ClockEvent, { ledger: string; says: string }>> = {
  warn: { ledger: 'warned', says: 'runs out soon' },
  escalate: { ledger: 'escalated', says: 'is about to be late' },
  met: { ledger: 'met', says: 'was in time' },
  missed: { ledger: 'missed', says: 'is late' },
};

function stateOf(row: Row): NoticeState {
  const at = (date: Date | null) => date?.getTime() ?? null;
  return {
    startAt: at(row.start_at) ?? 0,
    dueAt: at(row.due_at),
    warnAt: at(row.warn_at),
    escalateAt: at(row.escalate_at),
    warnedAt: at(row.warned_at),
    escalatedAt: at(row.escalated_at),
    fulfilledAt: at(row.fulfilled_at),
    fulfilledBy: 'dispatched',
    obligation: row.obligation,
    dispatch: 'owed',
    receipt: 'none',
    timeliness: row.timeliness,
    attempts: 0,
  };
}

function orNull(at: Millis | null): string | null {
  return at === null ? null : iso(at);
}
