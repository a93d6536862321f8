import { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import { ELAPSED_DAY, HOUR, MINUTE, type Millis } from '../../kernel/time.ts';
import { defineJob } from '../../platform/outbox/definitions.ts';

/** When a proven death is looked at again: suppliers restore, caches answer late, keys are enabled again. */
export const AGAIN_AFTER = [10 * MINUTE, HOUR, ELAPSED_DAY, 7 * ELAPSED_DAY] as const;

const payload = z.object({
  versionId: z.uuid(),
  round: z
    .int()
    .min(0)
    .max(AGAIN_AFTER.length - 1),
});

export const reprobeVersion = defineJob({
  name: 'revocation.reprobe-version',
  queue: 'housekeeping',
  payload,
  retry: { attempts: 5, backoff: MINUTE },
});

/** What is put on the clock once a death is proven. */
export function firstReprobe(versionId: Id, now: Millis) {
  return [reprobeVersion, { versionId, round: 0 }, { dueAt: now + AGAIN_AFTER[0], key: versionId }] as const;
}
