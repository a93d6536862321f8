import type { Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Result } from '../../kernel/result.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** The category of a notice that tells a duty of a law or an industry rule. */
export const REPORT = 'report';

/** What an agreement or a law asks for: others of the party are told where its contact is not reached. */
export function isDuty(notice: { term_id: Id | null; category: string }): boolean {
  return notice.term_id !== null || notice.category === REPORT;
}

/** The clock that a message works to, where it is a duty. */
export interface MessageClock {
  startEvent: string;
  startAt: Millis;
  /** Null: a duty without a number. */
  dueAt: Millis | null;
  dueWhy: string;
  warnAt: Millis | null;
  escalateAt: Millis | null;
  /** What was said of it already, before there was a notice. */
  warnedAt: Millis | null;
  escalatedAt: Millis | null;
}

/** The duty of a law that a notice tells: what its text names, and by when. */
export interface ToldDuty {
  facts: { dutyReference: string; law: string; article: string; phase: string; dueAt: string | null };
  clock: MessageClock;
}

/** What whoever stands above knows of the things that people write about. The boot refuses an application without it. */
export abstract class WrittenAbout {
  /** What happened in a case, as far as the one who is told may know it: paragraphs. Never a secret. */
  abstract account(
    db: Db,
    caseId: Id,
    to: { partyId: Id; language: string },
  ): Promise<{ subject: string; paragraphs: string[] } | undefined>;

  /** The duty that it tells, or null; a refusal where that may not be told now. */
  abstract dutyOf(db: Db, writtenId: Id): Promise<Result<ToldDuty | null, Refusal>>;
}
