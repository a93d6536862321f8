import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';

export type RevokeResult =
  /** The supplier said that it did it, or that there is no such credential. Not a proof. */
  | { outcome: 'accepted' | 'gone'; evidence: Id[]; note: string }
  /** Proven dead already: nothing was asked for. */
  | { outcome: 'already_dead'; evidence: Id[]; note: string }
  | { outcome: 'retry' | 'unknown'; why: string; after?: Millis; evidence: Id[] }
  | { outcome: 'rejected'; why: string; evidence: Id[] }
  /** The way in use gave up; the next call goes by this connection. */
  | { outcome: 'next_way'; why: string; connectionId: Id; evidence: Id[] }
  /** A person has to do it, or to mend something first. */
  | { outcome: 'person'; forWhat: string; contactId: Id | null; evidence: Id[] }
  | { outcome: 'not_found' };

export type VerifyResult =
  | { outcome: 'dead'; why: string; evidence: Id[] }
  | {
      outcome: 'live' | 'indeterminate';
      why: string;
      after?: Millis;
      evidence: Id[];
      ownAuthenticationRefused: boolean;
    }
  /** No machine can look. */
  | { outcome: 'unprovable'; why: string; contactId: Id | null; label: string; statementSigned: boolean }
  | { outcome: 'not_found' };

export type SessionsResult =
  | { outcome: 'ended' | 'none'; why: string; evidence: Id[] }
  | { outcome: 'residual'; until: Millis; why: string; evidence: Id[] }
  | { outcome: 'retry'; why: string; after?: Millis; evidence: Id[] }
  | { outcome: 'unknown'; why: string; contactId: Id | null; label: string; evidence: Id[] }
  | { outcome: 'not_found' };
