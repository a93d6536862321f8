import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';

/** One way to stop a credential, as it is tried: through a connection, or by somebody who is asked. */
export interface Way {
  kind: 'connector' | 'contact';
  connectionId: Id | null;
  contactId: Id | null;
  /** "GitLab (production)"; of a person only for pages. */
  label: string;
}

/** How far one way has come, under one attempt family. */
export interface Attempt {
  number: number;
  connectionId: Id | null;
  contactId: Id | null;
  /** `asked`: a person has the task. */
  state: 'trying' | 'asked' | 'gave_up' | 'accepted';
  reason: string;
  beganAt: Millis;
}

/** A way with what it takes to go it. */
export interface Candidate {
  way: Way;
  by: 'machine' | 'instructions' | 'contact';
  /** Why a machine cannot go it now: the value is not at hand, or nobody could look whether a lost request worked. */
  obstacle: string | null;
}

export type Ending = 'refused' | 'own_authentication' | 'out_of_tries' | 'without_effect' | 'unusable';

/** After so many refusals of our own authentication a way is given up: more would lock the account. */
export const OWN_AUTHENTICATION_TRIES = 2;
/** So many times a supplier may say yes while the credential lives on. */
export const EMPTY_PROMISES = 3;

/** Whether a supplier's answer ends the way by which it was asked. null: it goes on, or it did what was asked. */
export function endingOf(
  answer: {
    outcome: 'accepted' | 'gone' | 'manual' | 'retry' | 'unknown' | 'rejected';
    /** Refusals of our own authentication by this way, this answer included. */
    ownAuthenticationFailures: number;
    ownAuthenticationRefused: boolean;
  },
  triesLeft: number,
): Ending | null {
  switch (answer.outcome) {
    case 'accepted':
    case 'gone':
    case 'manual':
      return null;
    case 'rejected':
      if (!answer.ownAuthenticationRefused) return 'refused';
      if (answer.ownAuthenticationFailures >= OWN_AUTHENTICATION_TRIES) return 'own_authentication';
      return triesLeft <= 0 ? 'out_of_tries' : null;
    case 'retry':
    case 'unknown':
      return triesLeft <= 0 ? 'out_of_tries' : null;
  }
}

/** The way in use: the one that the attempts are at; before any, and when all gave up, the first machine, else the first person. */
export function wayInUse(ways: readonly Way[], attempts: readonly Attempt[]): Way | null {
  const at = attempts.findLast((attempt) => attempt.state !== 'gave_up');
  const used = at && ways.find((way) => isSame(way, at));
  return used ?? ways.find((way) => way.kind === 'connector') ?? ways[0] ?? null;
}

/**
 * The next way, when the one in use is given up: machines first, in the order to call, as they take seconds; then those
 * who are given instructions by a connection; then people. What gave up is not tried again under the same attempt family,
 * so that the ways run out.
 */
export function nextWay(candidates: readonly Candidate[], attempts: readonly Attempt[]): Candidate | null {
  const left = candidates.filter(
    ({ way }) => !attempts.some((attempt) => attempt.state === 'gave_up' && isSame(way, attempt)),
  );
  return (
    left.find(({ by, obstacle }) => by === 'machine' && obstacle === null) ??
    left.find(({ by }) => by === 'instructions') ??
    left.find(({ by }) => by === 'contact') ??
    null
  );
}

export function isSame(
  a: Pick<Way, 'connectionId' | 'contactId'>,
  b: Pick<Way, 'connectionId' | 'contactId'>,
): boolean {
  return a.connectionId === b.connectionId && a.contactId === b.contactId;
}

/**
 * The idempotency key by which one way is asked: a supplier must not take the second way's request for a repetition of
 * the first one's.
 */
export function keyOfWay(family: string, attempts: readonly Attempt[]): string {
  const number = attempts.findLast((attempt) => attempt.state !== 'gave_up')?.number ?? 1;
  return number === 1 ? family : `${family}:way-${number}`;
}

const SAID: Record<Ending, string> = {
  refused: 'its supplier refuses',
  own_authentication: 'our own authentication is refused there',
  out_of_tries: 'it is out of tries',
  without_effect: 'its supplier says that it did it, and the credential lives on',
  unusable: 'it cannot be used',
};

/** Why a way was given up, for people: "out of tries: the supplier answered 500". */
export function reasonOf(ending: Ending, why: string): string {
  return why === '' ? SAID[ending] : `${SAID[ending]}: ${why}`;
}
