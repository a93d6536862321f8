import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { dayIn, zoneOf } from './clock.rules.ts';
import { addDecision, findDuty } from './duties.queries.ts';
import type { FrozenClock } from './duty-clock.rules.ts';

interface Expired {
  subject_id: Id;
  from: Date;
  until: Date;
}

/** Duties that an authority's written word withholds, and that return when it expires. */
@Injectable()
export class WithheldDuties {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  async returnExpired(by: Principal): Promise<void> {
    const now = this.clock.now();
    const expired = await this.transactions.run(by, (db) =>
      rowsOf<Expired>(
        db,
        `SELECT d.subject_id, d.at AS "from", d.until FROM duty_decision d
          WHERE d.decision = 'withheld' AND d.until <= $1
            AND NOT EXISTS (SELECT FROM duty_decision r WHERE r.subject_id = d.subject_id AND r.decision = 'returned' AND r.at >= d.at)
          ORDER BY d.until LIMIT 200`,
        [iso(now)],
      ),
    );
    for (const one of expired) await this.transactions.run(by, (db) => this.#return(db, one, now, by));
  }

  /** What was left of the window runs on from the expiry; a notice is carried at once. */
  async #return(db: Db, { subject_id: id, from, until }: Expired, now: Millis, by: Principal): Promise<void> {
    const duty = await findDuty(db, id);
    if (duty?.obligation !== 'withheld') return;
    const still = until.getTime() - from.getTime();
    await addDecision(db, {
      id: newId(),
      duty,
      decision: 'returned',
      reason: 'the written delay expired',
      standsAt: until.getTime(),
      by,
      hand: handOf(by),
      at: now,
    });
    // A clock that had run out before is as late as it was.
    const shift =
      duty.due_at !== null && duty.due_at >= from && duty.timeliness === 'open'
        ? `${still} milliseconds`
        : '0';
    const [row] = await rowsOf<{ due_at: Date | null }>(
      db,
      `UPDATE ${duty.kind} SET obligation = 'required', due_at = due_at + $2::interval, warn_at = warn_at + $2::interval,
              escalate_at = escalate_at + $2::interval, due_why = CASE WHEN $2 = '0' THEN due_why ELSE due_why || $3 END,
              next_clock_at = $4,
              ${duty.kind === 'notice' ? 'next_attempt_at = $4,' : ''} updated_at = $4, row_version = row_version + 1
        WHERE id = $1 RETURNING due_at`,
      [id, shift, `; withheld from ${iso(from.getTime())} until ${iso(until.getTime())}`, iso(now)],
    );
    if (duty.kind === 'obligation') await returnNotice(db, id, shift, now);
    if (duty.kind === 'obligation' && shift !== '0' && row?.due_at) {
      const frozen: FrozenClock = {
        ...duty.frozen,
        delays: [...(duty.frozen.delays ?? []), { from: iso(from.getTime()), until: iso(until.getTime()) }],
      };
      await db.query(`UPDATE obligation SET frozen = $2, due_date = $3 WHERE id = $1`, [
        id,
        JSON.stringify(frozen),
        dayIn(row.due_at.getTime(), zoneOf(frozen.rule, frozen.facts)),
      ]);
    }
    await this.ledger.append(db, {
      kind: `${duty.kind}.returned`,
      subject: { kind: duty.kind, id },
      by,
      at: now,
      facts: {
        reference: duty.reference,
        until: iso(until.getTime()),
        due: row?.due_at?.toISOString() ?? null,
      },
    });
  }
}

/** The notice that was to tell it goes on as its duty does. */
async function returnNotice(db: Db, obligationId: Id, shift: string, now: Millis): Promise<void> {
  await db.query(
    `UPDATE notice SET obligation = 'required', due_at = due_at + $2::interval, warn_at = warn_at + $2::interval,
            escalate_at = escalate_at + $2::interval,
            next_clock_at = $3,
            next_attempt_at = $3, updated_at = $3, row_version = row_version + 1
      WHERE id = (SELECT w.notice_id FROM obligation o JOIN written_notice w ON w.id = o.written_notice_id WHERE o.id = $1)
        AND obligation = 'withheld' AND fulfilled_at IS NULL`,
    [obligationId, shift, iso(now)],
  );
}
