import { z } from 'zod';
import { defineEvent } from '../../platform/outbox/definitions.ts';

const id = z.uuid();
const subject = z.object({ kind: z.string(), id });

/** A run ended; nothing of it moves any more. */
export const runFinished = defineEvent({
  name: 'runbooks.run-finished',
  payload: z.object({
    runId: id,
    runbook: z.string(),
    subject,
    state: z.enum(['done', 'failed', 'cancelled']),
  }),
});

/** Steps of one run ended. One event for up to 50 steps that were committed together. */
export const stepSettled = defineEvent({
  name: 'runbooks.step-settled',
  payload: z.object({
    runId: id,
    subject,
    steps: z.array(
      z.object({ stepId: id, step: z.string(), state: z.enum(['done', 'failed', 'skipped', 'cancelled']) }),
    ),
  }),
});

/** A step waits for a person. */
export const stepParked = defineEvent({
  name: 'runbooks.step-parked',
  payload: z.object({
    runId: id,
    subject,
    stepId: id,
    step: z.string(),
    ownerRole: z.string().nullable(),
    ownerContactId: id.nullable(),
  }),
});

/** Steps should have moved and have not. One event a sweep and run. */
export const stepStalled = defineEvent({
  name: 'runbooks.step-stalled',
  payload: z.object({ runId: id, subject, stepIds: z.array(id) }),
});

/** A step's deadline is near (`warned`) or has passed (`missed`). */
export const deadlinePassed = defineEvent({
  name: 'runbooks.deadline-passed',
  payload: z.object({
    deadlineId: id,
    runId: id,
    subject,
    stepId: id,
    kind: z.enum(['warned', 'missed']),
    ownerRole: z.string().nullable(),
    ownerContactId: id.nullable(),
  }),
});
