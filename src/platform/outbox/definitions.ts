import type { z } from 'zod';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../database/transactions.ts';

export const QUEUES = ['engine', 'notices', 'intake', 'housekeeping'] as const;
export type QueueName = (typeof QUEUES)[number];

/** A fact that others may react to. Its payload is ids and states, never a secret, never free text. */
export interface EventDefinition<P = unknown> {
  readonly type: 'event';
  readonly name: string;
  readonly payload: z.ZodType<P>;
}

/** A piece of work that must happen after a commit, at least once. */
export interface JobDefinition<P = unknown> {
  readonly type: 'job';
  readonly name: string;
  readonly queue: QueueName;
  readonly payload: z.ZodType<P>;
  readonly retry: Retry;
  /**
   * Asked in the transaction that would write a row; where it says no, none is written. For facts that come by thousands
   * and concern somebody rarely: a row costs many round trips, the question one. What a no leaves out must come right in
   * another way, too: the answer is as old as the moment.
   */
  only?(db: Db, payload: P): Promise<boolean>;
  /** The key of a row that was put without one: facts that say the same start the job once. null: each starts it. */
  key?(payload: P): string | null;
  /** Facts that start this job; each must carry a payload that this job's schema accepts. */
  readonly on: readonly EventDefinition<never>[];
}

export interface Retry {
  /** Failures after which the row is given up, loudly. A worker's death is no failure. */
  attempts: number;
  /** Milliseconds before the second try; doubles from there, with jitter, up to an hour. */
  backoff: Millis;
}

// Every job of every loaded module. Boot compares it with the handlers that the application provides, so that a job
// nobody handles (or two do) stops the start and not the work.
const defined = new Map<string, JobDefinition<never>>();

/** @throws Error when two jobs share a name. */
export function defineJob<P>(job: {
  name: string;
  queue: QueueName;
  payload: z.ZodType<P>;
  retry: Retry;
  on?: readonly EventDefinition<P>[];
  only?: (db: Db, payload: P) => Promise<boolean>;
  key?: (payload: P) => string | null;
}): JobDefinition<P> {
  if (defined.has(job.name)) throw new Error(`two jobs are named ${job.name}`);
  const definition: JobDefinition<P> = {
    type: 'job',
    ...job,
    on: (job.on ?? []) as readonly EventDefinition<never>[],
  };
  defined.set(job.name, definition as JobDefinition<never>);
  return definition;
}

/** Takes a job back that was there for a while: a process may run one application after another. */
export function withdrawJob({ name }: { readonly name: string }): void {
  defined.delete(name);
}

export function defineEvent<P>(event: { name: string; payload: z.ZodType<P> }): EventDefinition<P> {
  return { type: 'event', ...event };
}

export function definedJobs(): readonly JobDefinition<never>[] {
  return [...defined.values()];
}

/** The jobs that a row must be written for. */
export function jobsOf(what: JobDefinition<never> | EventDefinition<never>): readonly JobDefinition<never>[] {
  if (what.type === 'job') return [what];
  return definedJobs().filter((job) => job.on.some((event) => event.name === what.name));
}
