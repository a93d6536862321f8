import { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { StepAnswer } from './action.ts';
import { DEFAULT_RETRY, type Retry, type StepDefinition } from './definition.schema.ts';
import type { StepState } from './step.rules.ts';

/** The closed vocabulary of `StepAnswer`, checked at run time: what an action says of its effect decides what follows. */
const text = z.string().max(4000);
const evidence = z.array(z.string()).max(1000).optional();
export const answerSchema = z.discriminatedUnion('answer', [
  z.object({
    answer: z.literal('done'),
    output: z.record(z.string(), z.unknown()).optional(),
    evidence,
    note: text.optional(),
  }),
  z.object({ answer: z.literal('waiting'), until: z.number(), forWhat: text }),
  z.object({
    answer: z.literal('parked'),
    forWhat: text,
    ownerContactId: z.string().optional(),
    ownerRole: z.string().optional(),
    due: z.number().optional(),
  }),
  z.object({
    answer: z.literal('retry'),
    reason: text,
    after: z.number().optional(),
    evidence,
    otherWay: z.object({ lane: z.string().min(1) }).optional(),
  }),
  z.object({ answer: z.literal('failed'), reason: text, evidence }),
  z.object({ answer: z.literal('skipped'), reason: text }),
  z.object({ answer: z.literal('unknown'), reason: text, evidence }),
]);

/** An answer that the vocabulary does not know leaves us without knowledge of the effect: `unknown`. */
export function understand(said: unknown): StepAnswer {
  if (isPlainDone(said)) return said;
  const parsed = answerSchema.safeParse(said);
  if (parsed.success) return parsed.data as StepAnswer;
  return {
    answer: 'unknown',
    reason: `the action gave no answer that we know: ${parsed.error.issues[0]?.message ?? ''}`,
  };
}

/** The commonest answer by far, recognised without a schema walk. */
function isPlainDone(said: unknown): said is StepAnswer {
  return (
    typeof said === 'object' &&
    said !== null &&
    Object.keys(said).length === 1 &&
    (said as { answer?: unknown }).answer === 'done'
  );
}

/** What an answer makes of a step: the columns that change, and whether what needs the step may go on. */
export interface Settlement {
  state: StepState;
  /** true: what needs this step goes on; false: it never will; null: it still waits. */
  passed: boolean | null;
  /** When a waiting or unknown step is asked again. */
  wakeAt: Millis | null;
  reason: string | null;
  /** What a waiting or parked step waits for. */
  forWhat: string | null;
  ownerRole: string | null;
  ownerContactId: Id | null;
  dueAt: Millis | null;
  output: Record<string, unknown> | null;
  /** Tries that failed so far in this attempt family. */
  failures: number;
  /** The next call has to probe first. */
  takenOver: boolean;
  /** The step's fallback has to run for this item. */
  fallback: boolean;
  /** The lane in which the step goes on; null: where it is. */
  lane: string | null;
}

export interface Standing {
  failures: number;
  takenOver: boolean;
}

type Policy = Pick<StepDefinition, 'retry' | 'onFailure' | 'owner' | 'dueWithin'>;

/**
 * What follows from an action's answer. Nothing here gives up silently: a step that is out of tries or failed either has
 * a fallback, was declared optional (`continue`), or is parked for a person.
 *
 * @param random  0 ≤ random < 1, for the jitter
 */
export function settlementOf(
  answer: StepAnswer,
  standing: Standing,
  policy: Policy,
  now: Millis,
  random: number,
): Settlement {
  const retry = policy.retry ?? DEFAULT_RETRY;
  switch (answer.answer) {
    case 'done':
      return settled('done', true, standing, { output: answer.output ?? null, reason: answer.note ?? null });
    case 'skipped':
      return settled('skipped', true, standing, { reason: answer.reason });
    case 'waiting':
      if (!Number.isFinite(answer.until)) return giveUp('it waits for no instant', standing, policy, now);
      return settled('waiting', null, standing, {
        wakeAt: Math.max(answer.until, now),
        forWhat: answer.forWhat,
      });
    case 'parked':
      return settled('parked', null, standing, {
        forWhat: answer.forWhat,
        ownerRole: answer.ownerRole ?? policy.owner ?? null,
        ownerContactId: answer.ownerContactId ?? null,
        dueAt: answer.due ?? (policy.dueWithin === undefined ? null : now + policy.dueWithin),
      });
    case 'failed':
      return giveUp(answer.reason, standing, policy, now);
    case 'retry': {
      if (answer.otherWay) {
        const afresh = { ...standing, failures: 0 };
        return settled('waiting', null, afresh, {
          wakeAt: now + (answer.after ?? 0),
          reason: answer.reason,
          forWhat: 'another way',
          lane: answer.otherWay.lane,
        });
      }
      const failures = standing.failures + 1;
      if (failures >= retry.attempts)
        return giveUp(`out of tries (${failures}): ${answer.reason}`, { ...standing, failures }, policy, now);
      const wakeAt = now + Math.max(backoff(retry, failures, random), answer.after ?? 0);
      return settled(
        'waiting',
        null,
        { ...standing, failures },
        { wakeAt, reason: answer.reason, forWhat: `try ${failures + 1} of ${retry.attempts}` },
      );
    }
    case 'unknown': {
      const failures = standing.failures + 1;
      const after: Standing = { failures, takenOver: true };
      // What may have happened is never declared a failure by itself: a person or a fallback looks at it.
      if (failures >= retry.attempts) {
        const reason = `outcome unknown after ${failures} tries: ${answer.reason}`;
        return typeof policy.onFailure === 'object'
          ? settled('failed', null, after, { reason, fallback: true })
          : parkedFor(reason, after, policy, now);
      }
      return settled('unknown', null, after, {
        wakeAt: now + backoff(retry, failures, random),
        reason: answer.reason,
      });
    }
  }
}

/** What a person's word makes of a step. */
export function settledByPerson(
  said:
    | { answer: 'done'; output?: Record<string, unknown>; note?: string }
    | { answer: 'failed' | 'skipped'; reason: string },
  standing: Standing,
  policy: Policy,
): Settlement {
  if (said.answer === 'done')
    return settled('done', true, standing, { output: said.output ?? null, reason: said.note ?? null });
  if (said.answer === 'skipped') return settled('skipped', true, standing, { reason: said.reason });
  if (typeof policy.onFailure === 'object')
    return settled('failed', null, standing, { reason: said.reason, fallback: true });
  return settled('failed', policy.onFailure === 'continue', standing, { reason: said.reason });
}

/** No further try will be made by itself: fallback, go on without it, or a person. */
function giveUp(reason: string, standing: Standing, policy: Policy, now: Millis): Settlement {
  if (typeof policy.onFailure === 'object')
    return settled('failed', null, standing, { reason, fallback: true });
  if (policy.onFailure === 'continue') return settled('failed', true, standing, { reason });
  return parkedFor(reason, standing, policy, now);
}

function parkedFor(reason: string, standing: Standing, policy: Policy, now: Millis): Settlement {
  return settled('parked', null, standing, {
    reason,
    forWhat: 'a decision: try again, skip, or give up',
    ownerRole: policy.owner ?? null,
    dueAt: policy.dueWithin === undefined ? null : now + policy.dueWithin,
  });
}

function settled(
  state: StepState,
  passed: boolean | null,
  standing: Standing,
  more: Partial<Settlement>,
): Settlement {
  return {
    state,
    passed,
    wakeAt: null,
    reason: null,
    forWhat: null,
    ownerRole: null,
    ownerContactId: null,
    dueAt: null,
    output: null,
    failures: standing.failures,
    takenOver: standing.takenOver,
    fallback: false,
    lane: null,
    ...more,
  };
}

/** Exponential, capped, spread by ±jitter. The first failure waits one `backoff`. */
export function backoff(retry: Retry, failures: number, random: number): Millis {
  const plain = Math.min(retry.maxBackoff, retry.backoff * 2 ** Math.min(failures - 1, 30));
  return Math.round(plain * (1 + retry.jitter * (2 * random - 1)));
}
