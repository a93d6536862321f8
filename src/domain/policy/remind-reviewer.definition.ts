import { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';

export const REMINDERS = ['opened', 'reminded', 'escalated', 'missed'] as const;
export type Reminder = (typeof REMINDERS)[number];

/** Mails one reviewer what of one campaign waits for them. */
export const remindReviewer = defineJob({
  name: 'policy.remind-reviewer',
  queue: 'notices',
  payload: z.object({
    reviewId: z.uuid(),
    stage: z.enum(REMINDERS),
    personId: z.uuid().nullable(),
    contactId: z.uuid().nullable(),
  }),
  retry: { attempts: 8, backoff: 10 * SECOND },
});

/** A little later, so that parts which are listed one after the other make one mail. */
const TOGETHER = MINUTE;

export interface Reviewed {
  reviewId: Id;
  reviewerPersonId: Id | null;
  reviewerContactId: Id | null;
}

/** One mail for each reviewer of each campaign, however many parts are theirs. Nobody is mailed where no reviewer is known. */
export async function askReviewers(
  db: Db,
  outbox: Outbox,
  parts: readonly Reviewed[],
  stage: Reminder,
  now: Millis,
): Promise<void> {
  const entries = parts.flatMap(({ reviewId, reviewerPersonId: personId, reviewerContactId }) => {
    const contactId = personId === null ? reviewerContactId : null;
    const who = personId ?? contactId;
    if (who === null) return [];
    return [
      {
        payload: { reviewId, stage, personId, contactId },
        key: `${reviewId} ${stage} ${who}`,
        dueAt: now + TOGETHER,
      },
    ];
  });
  if (entries.length > 0) await outbox.putAll(db, remindReviewer, entries);
}
