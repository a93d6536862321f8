import { Injectable } from '@nestjs/common';
import type { BusinessCalendar, WindowUnit } from '../../kernel/calendar.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { clockOf } from '../agreements/term.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';

interface Row {
  id: Id;
  reference: string;
  start_at: Date;
  due_at: Date | null;
  window_count: number | null;
  window_unit: WindowUnit | null;
  zone: string;
  warn_percent: number;
  escalate_percent: number;
  calendar: BusinessCalendar | null;
}

/**
 * Somebody says that what started a notice's clock was earlier than was thought. Both stand on record; the notice works to
 * the earlier, by the same frozen term. A clock never moves to a later one, and what is decided stays decided.
 */
@Injectable()
export class EarlierStarts {
  constructor(
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  async apply(db: Db, caseIds: readonly Id[], startEvent: string, at: Millis, by: Principal): Promise<void> {
    const ids = await rowsOf<{ id: Id }>(
      db,
      `SELECT id FROM notice WHERE subject_id = ANY($1::uuid[]) AND subject_kind = 'case' AND start_event = $2 AND start_at > $3
          AND timeliness = 'open' AND fulfilled_at IS NULL ORDER BY id FOR UPDATE`,
      [caseIds, startEvent, iso(at)],
    );
    if (ids.length === 0) return;
    const rows = await rowsOf<Row>(
      db,
      `SELECT n.id, n.reference, n.start_at, n.due_at, t.window_count, t.window_unit, t.zone, t.warn_percent, t.escalate_percent,
              CASE WHEN c.id IS NULL THEN NULL ELSE jsonb_build_object('workingDays', c.working_days, 'holidays', c.holidays,
                'dayEnds', to_char(c.day_ends, 'HH24:MI')) END AS calendar
         FROM notice n JOIN term t ON t.id = n.term_id LEFT JOIN calendar c ON c.id = t.calendar_id
        WHERE n.id = ANY($1::uuid[]) AND n.timeliness = 'open'`,
      [ids.map(({ id }) => id)],
    );
    const now = this.clock.now();
    for (const row of rows) {
      const window =
        row.window_count === null || row.window_unit === null
          ? null
          : { count: row.window_count, unit: row.window_unit };
      const clock = clockOf(
        { window, zone: row.zone, warnPercent: row.warn_percent, escalatePercent: row.escalate_percent },
        at,
        row.calendar ?? undefined,
      );
      const [due, warn, escalate] = [clock.dueAt, clock.warnAt, clock.escalateAt].map((one) =>
        one === null ? null : iso(one),
      );
      await db.query(
        `UPDATE notice SET start_at = $2, due_at = $3, warn_at = $4, escalate_at = $5,
                due_why = due_why || $6,
                next_clock_at = CASE WHEN obligation = 'required' THEN $7::timestamptz END,
                updated_at = $7, row_version = row_version + 1 WHERE id = $1`,
        [
          row.id,
          iso(at),
          due,
          warn,
          escalate,
          `; disputed: from ${iso(at)}, not ${iso(row.start_at.getTime())}, the earlier holds`,
          iso(now),
        ],
      );
      await this.ledger.append(db, {
        kind: 'notice.moved-earlier',
        subject: { kind: 'notice', id: row.id },
        by,
        at: now,
        facts: {
          reference: row.reference,
          start: iso(at),
          due: due ?? null,
          before: row.due_at?.toISOString() ?? null,
        },
      });
    }
  }
}
