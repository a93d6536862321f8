import { ELAPSED_DAY, HOUR, MINUTE, SECOND, type Millis } from '../../kernel/time.ts';

/** What may be subscribed to, with what it says. Dot-separated, as Standard Webhooks names event types. */
export const SIGNAL_TYPES = {
  'credential.compromised': 'a credential of an integration is confirmed to be in the wrong hands',
  'credential.revocation_moved': 'its revocation was asked for, accepted or rejected',
  'credential.dead': 'its verifier refuses it, and that is proven',
  'credential.alive_again': 'its verifier accepts it again after it was proven dead',
  'credential.rotated': 'a new version is in use, and the old one is dead',
  'rotation.moved': 'a rotation reached its next state',
  'case.opened': 'an incident touches the integration',
  'case.moved': 'the case of an integration reached its next state',
} as const satisfies Record<string, string>;

export type SignalType = keyof typeof SIGNAL_TYPES;
export const SIGNAL_NAMES = Object.keys(SIGNAL_TYPES) as [SignalType, ...SignalType[]];
/** Sent when somebody asks to see whether an endpoint works; needs no subscription. */
export const TEST_TYPE = 'subscription.tested';

/**
 * Milliseconds from one attempt to the next (Standard Webhooks 1.0.0, "Deliverability and reliability"). After the last
 * one the message is given up.
 */
export const SCHEDULE: readonly Millis[] = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
/** Longer than the whole schedule with its jitter: what waits since then behind an endpoint that fails is given up. */
export const MOST_AGE: Millis = 4 * ELAPSED_DAY;
/** An endpoint that took nothing for so long is disabled. */
export const MOST_FAILING: Millis = 5 * ELAPSED_DAY;
/** Milliseconds for one attempt, from the name to the last byte of the answer. */
export const TIMEOUT: Millis = 15 * SECOND;

/** Failures in a row from which an endpoint is spared, and only tried now and then. */
const SPARED_FROM = 3;
const LONGEST_HOLD: Millis = 5 * MINUTE;

/** What a peer said to one attempt. */
export type Answer =
  | {
      status: number;
      retryAfter?: Millis | undefined;
      /** The peer says of this one message that it will never take it. */
      unwanted?: boolean;
    }
  | { failure: string };

/**
 * `delivered`: taken. `gone`: the endpoint wants nothing any more. `busy`: it asks for less. `refused`: this one message
 * is not wanted, the endpoint is well. `failed`: anything else, redirects included.
 */
export type Verdict = 'delivered' | 'gone' | 'busy' | 'refused' | 'failed';

export function verdictOf(answer: Answer): Verdict {
  if ('failure' in answer) return 'failed';
  const { status } = answer;
  if (answer.unwanted) return 'refused';
  if (status >= 200 && status <= 299) return 'delivered';
  if (status === 410) return 'gone';
  if (status === 429 || status === 502 || status === 504) return 'busy';
  return answer.retryAfter !== undefined ? 'busy' : 'failed';
}

/**
 * When a message is sent again after its attempt number `attempts`; null: never, it is given up. Jitter only delays, so
 * that a crowd disperses and nobody is early.
 */
export function nextAttemptAt(
  attempts: number,
  now: Millis,
  random: number,
  retryAfter: Millis = 0,
): Millis | null {
  const wait = SCHEDULE[attempts];
  return wait === undefined ? null : now + Math.max(Math.round(wait * (1 + 0.2 * random)), retryAfter);
}

/** How an endpoint is doing. */
export interface Health {
  failures: number;
  failingSince: Millis | null;
  heldUntil: Millis | null;
  disabled: string | null;
}

/**
 * What one answer means for the endpoint. From the third failure in a row it is held for ever longer, up to five minutes,
 * and one message tries it when the hold ends: however many wait, a peer that fails is asked seldom.
 */
export function healthAfter(
  before: Pick<Health, 'failures' | 'failingSince' | 'heldUntil'>,
  verdict: Verdict,
  now: Millis,
  random: number,
  retryAfter: Millis = 0,
): Health {
  if (verdict === 'delivered' || verdict === 'refused')
    return { failures: 0, failingSince: null, heldUntil: null, disabled: null };
  const failures = before.failures + 1;
  const failingSince = before.failingSince ?? now;
  if (verdict === 'gone')
    return {
      failures,
      failingSince,
      heldUntil: null,
      disabled: 'it answered 410: it wants no more messages',
    };
  if (now - failingSince >= MOST_FAILING)
    return {
      failures,
      failingSince,
      heldUntil: null,
      disabled: 'it took nothing for five days',
    };
  const doubled =
    verdict === 'busy' || failures >= SPARED_FROM
      ? Math.min(LONGEST_HOLD, 5 * SECOND * 2 ** Math.min(10, Math.max(0, failures - SPARED_FROM)))
      : 0;
  const hold = Math.max(Math.round(doubled * (1 + 0.2 * random)), verdict === 'busy' ? retryAfter : 0);
  const heldUntil = hold === 0 ? before.heldUntil : Math.max(before.heldUntil ?? 0, now + hold);
  return { failures, failingSince, heldUntil, disabled: null };
}

export const CIRCUITS = ['closed', 'open'] as const;

/**
 * `open`: what waits for the endpoint waits together, and one message tries it when the hold is over. It closes with the
 * first that is taken.
 */
export function circuitOf({
  failures,
  heldUntil,
}: {
  failures: number;
  heldUntil: unknown;
}): (typeof CIRCUITS)[number] {
  return failures >= SPARED_FROM || heldUntil !== null ? 'open' : 'closed';
}

/** Messages taken in hand at first for an endpoint that is well, and on their way to it at once. */
export const FIRST_WINDOW = 4;
const WIDEST_WINDOW = 64;
const MOST_AT_ONCE = 16;

/** An endpoint that takes what it is sent is sent more: one further message in hand for each that it took. */
export function widened(window: number): number {
  return Math.min(WIDEST_WINDOW, window + 1);
}

/** How many messages may be on their way to one endpoint at once. One that failed lately gets one. */
export function atOnce(failures: number, window = FIRST_WINDOW): number {
  return failures > 0 ? 1 : Math.min(MOST_AT_ONCE, Math.max(FIRST_WINDOW, Math.floor(window / 4)));
}

/** On their way at once, to all endpoints of the installation together. */
export const POOL = 32;
/** Taken in hand, for all of them: their attempts are begun, and few wait for their turn for long. */
export const MOST_TAKEN = 256;
/** For endpoints that failed lately: however many hang, the others keep their places. */
export const POOL_FOR_UNWELL = 8;
