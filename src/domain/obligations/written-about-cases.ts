import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { WrittenAbout, type ToldDuty } from '../notices/written-about.ts';
import { caseFacts } from './case-account.queries.ts';
import { caseAccount } from './case-account.rules.ts';
import type { FrozenClock } from './duty-clock.rules.ts';

interface DutyRow {
  reference: string;
  own: boolean;
  title: string;
  phase: string;
  start_event: string;
  start_at: Date;
  due_at: Date | null;
  due_why: string;
  warn_at: Date | null;
  escalate_at: Date | null;
  warned_at: Date | null;
  escalated_at: Date | null;
  obligation: string;
  fulfilled_at: Date | null;
  frozen: FrozenClock;
}

/** What the register and the cases know of what people write about. */
@Injectable()
export class WrittenAboutCases extends WrittenAbout {
  async account(db: Db, caseId: Id, to: { partyId: Id; language: string }) {
    const known = await caseFacts(db, caseId, to.partyId);
    return known && caseAccount(known.facts, known.role, to.language);
  }

  async dutyOf(db: Db, writtenId: Id): Promise<Result<ToldDuty | null, Refusal>> {
    await rowsOf(db, `SELECT FROM obligation WHERE written_notice_id = $1 ORDER BY id FOR UPDATE`, [
      writtenId,
    ]);
    const rows = await rowsOf<DutyRow>(
      db,
      `SELECT o.reference, o.case_id = w.subject_id AS own, o.title, o.phase, o.start_event, o.start_at, o.due_at, o.due_why, o.warn_at,
              o.escalate_at, o.warned_at, o.escalated_at, o.obligation, o.fulfilled_at, o.frozen
         FROM obligation o JOIN written_notice w ON w.id = o.written_notice_id
        WHERE w.id = $1 ORDER BY own DESC, o.due_at NULLS LAST, o.id`,
      [writtenId],
    );
    const own = rows.find((row) => row.own);
    if (!own) return ok(null);
    if (own.obligation !== 'required')
      return err(
        refusal(
          'conflict',
          'wrong-state',
          own.obligation === 'withheld'
            ? `${own.reference} is withheld by the written word of an authority: nobody is told before it expires.`
            : `${own.reference} is ${own.obligation.replaceAll('_', ' ')}.`,
        ),
      );
    if (own.fulfilled_at !== null)
      return err(refusal('conflict', 'already-told', `${own.reference} is fulfilled.`));
    // One notice for several cases works to the clock that runs out first.
    const clock = rows
      .filter((row) => row.obligation === 'required' && row.fulfilled_at === null)
      .toSorted((a, b) => (a.due_at?.getTime() ?? Infinity) - (b.due_at?.getTime() ?? Infinity))[0]!;
    const at = (date: Date | null) => date?.getTime() ?? null;
    const { source } = own.frozen.rule;
    return ok({
      facts: {
        dutyReference: own.reference,
        law: own.title,
        article: `${source.text}, ${source.article}`,
        phase: own.phase.replaceAll('-', ' '),
        dueAt: clock.due_at === null ? null : iso(clock.due_at.getTime()),
      },
      clock: {
        startEvent: clock.start_event,
        startAt: clock.start_at.getTime(),
        dueAt: at(clock.due_at),
        dueWhy: clock.due_why,
        warnAt: at(clock.warn_at),
        escalateAt: at(clock.escalate_at),
        warnedAt: at(clock.warned_at),
        escalatedAt: at(clock.escalated_at),
      },
    });
  }
}
