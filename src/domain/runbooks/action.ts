import type { z } from 'zod';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';

/**
 * A runbook action: what one step does. Implemented under `plugins/actions/<name>/`, registered in
 * `plugins/actions/registry.ts`, proven by `test/contracts/action.contract.ts`.
 *
 * An action is idempotent under its idempotency key, can be resumed by another worker at any point, and answers with one
 * word of a closed vocabulary. It is called outside any transaction.
 */
export interface Action<With = unknown> {
  /** Kebab-case; what a runbook writes behind `uses:`. */
  readonly name: string;
  readonly title: string;
  /** Checked when a runbook is loaded, and again with the step's own values before it runs. */
  readonly with: z.ZodType<With>;
  /**
   * `short`: idempotent or probing first, so that a peer may take over within seconds of a worker's death.
   * `call`: the lease lasts as long as the call's own time limit.
   */
  readonly lease: 'short' | 'call';
  /** Whether it may wait for long. A runbook that uses it has to name an owner and a deadline. */
  readonly waitsFor?: 'person' | 'time';
  /**
   * `calls`: it takes a turn of its lane (`context.turn`) for each of its calls, and calls nobody without one. Absent: it
   * has a turn for as long as it runs.
   */
  readonly turns?: 'calls';
  /** It changes nothing and asks nobody: its steps are not worth a line of the log each. */
  readonly quiet?: boolean;
  /** Milliseconds after which `signal` aborts and the step's outcome is `unknown`. */
  readonly timeout: Millis;
  run(context: StepContext<With>): Promise<StepAnswer>;
}

export interface StepContext<With> {
  stepId: Id;
  runId: Id;
  /** What the run is about: `{ kind: 'incident', id }`. Opaque to the engine. */
  subject: Subject;
  /** What this fan-out item is about; absent for a step without `forEach`. */
  item?: SelectedItem;
  with: With;
  /** 1 for the first try. */
  attempt: number;
  /** Tries that failed since the step began or last took another way, and how many are left when this one has failed. */
  tries: { failed: number; left: number };
  /** When the step became ready, and a person last asked for another try. Stays the same over retries, waits and takeovers. */
  since: Millis;
  /** `<step id>:<attempt family>`. Stays the same over retries and takeovers; changes only when a person asks for another try. */
  idempotencyKey: string;
  /** A worker died holding this step, or its answer was lost: probe before acting again. */
  takenOver: boolean;
  /** Outputs of finished steps that this one needs, by step id. */
  outputs: Readonly<Record<string, unknown>>;
  correlationId: string;
  now(): Millis;
  /** Does `call` once it is its turn in the step's lane. Waiting for it is not of the step's time. */
  turn<T>(call: () => Promise<T>): Promise<T>;
  /** Aborts at the time limit and when the lease is lost. */
  signal: AbortSignal;
}

export interface Subject {
  kind: string;
  id: Id;
}

/** What a step says of its try. Evidence ids point at rows that the action has already written. */
export type StepAnswer =
  | { answer: 'done'; output?: Record<string, unknown>; evidence?: Id[]; note?: string }
  /** Asks again at `until`, or earlier when somebody settles the step. */
  | { answer: 'waiting'; until: Millis; forWhat: string }
  /** Needs a person; shown in their queue until settled. `due`: when to escalate. */
  | { answer: 'parked'; forWhat: string; ownerContactId?: Id; ownerRole?: string; due?: Millis }
  /**
   * `otherWay`: what was tried so far is given up, and the next try goes another way, in the lane of that way: its tries
   * are counted from none. An action must run out of ways, as nothing else ends such a step.
   */
  | { answer: 'retry'; reason: string; after?: Millis; evidence?: Id[]; otherWay?: { lane: string } }
  | { answer: 'failed'; reason: string; evidence?: Id[] }
  | { answer: 'skipped'; reason: string }
  /** The effect may or may not have happened. The engine asks again with `takenOver`. */
  | { answer: 'unknown'; reason: string; evidence?: Id[] };

/** One thing that a `forEach` fans out over. */
export interface SelectedItem {
  /** Unique within the fan-out; part of the step's identity. Usually an id. */
  key: string;
  /** For people: "Stripe live key (prod)". Never a secret. */
  label: string;
  subject: Subject;
  /** Facts that `when:` and `with:` may refer to as `item.<name>`. Never a secret. */
  facts: Readonly<Record<string, string | number | boolean | null>>;
  /** Steps of one lane share a supplier's limits. */
  lane?: string;
  /** Higher runs earlier. 0 to 1000. */
  priority: number;
}
