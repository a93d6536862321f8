import type { Id } from '../../kernel/ids.ts';
import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';
import type { MatrixRowFacts } from './matrix.rules.ts';

/** From the weakest to the strongest. */
export const STRENGTHS = ['mailbox', 'second_channel', 'account_mfa', 'detached_signature'] as const;
export type Strength = (typeof STRENGTHS)[number];

export const WAYS = ['account', 'link', 'offline', 'paper'] as const;
export type Way = (typeof WAYS)[number];

/** Signatures are given anew before this many days have passed since they were given. */
export const REATTEST_DAYS = 365;
/** How long before it ends a signature's renewal is asked for. */
export const REMIND_BEFORE = 30 * ELAPSED_DAY;
/** A new contact person confirms within this time. */
export const CONFIRM_WITHIN = 14 * ELAPSED_DAY;

/** Somebody who wrote a part of a version, and for which party. */
export interface Author {
  /** Of the account or token. */
  id: string;
  personId: Id | null;
  partyId: Id | null;
}

export interface AttestationFacts {
  partyId: Id;
  way: Way;
  expiresAt: Millis | null;
  withdrawnAt: Millis | null;
  fallenAt: Millis | null;
  confirmedAt: Millis | null;
}

/** Paper counts once confirmed; nothing counts that was withdrawn, fell, or ran out. */
export function counts(one: AttestationFacts, now: Millis): boolean {
  return (
    one.withdrawnAt === null &&
    one.fallenAt === null &&
    (one.expiresAt === null || one.expiresAt > now) &&
    (one.way !== 'paper' || one.confirmedAt !== null)
  );
}

/**
 * Who must sign: every accountable party. A matrix in which one party answers for everything is still an agreement of two,
 * so both sides sign it then.
 */
export function signersOf(
  rows: readonly MatrixRowFacts[],
  parties: readonly { id: Id; roles: readonly string[] }[],
): Id[] {
  const accountable = [...new Set(rows.map((row) => row.accountablePartyId))];
  if (accountable.length > 1) return accountable.sort();
  const sides = parties
    .filter(({ roles }) => roles.includes('supplier') || roles.includes('customer'))
    .map(({ id }) => id);
  return [...new Set([...accountable, ...sides])].sort();
}

/** Who of them has not signed. Empty, with at least one signer: countersigned. */
export function missingSigners(
  signers: readonly Id[],
  attestations: readonly AttestationFacts[],
  now: Millis,
): Id[] {
  const signed = new Set(attestations.filter((one) => counts(one, now)).map(({ partyId }) => partyId));
  return signers.filter((id) => !signed.has(id));
}

/** Who wants to sign, and for which party. */
export interface Signatory {
  /** Of the account, or of the contact behind a link, key or paper. */
  id: string;
  personId: Id | null;
  partyId: Id;
}

/** Whoever wrote a part of a version speaks for the side for which they wrote it, and for no other. */
export function wroteForAnother(signatory: Signatory, authors: readonly Author[]): boolean {
  return authors.some(
    (author) =>
      author.partyId !== signatory.partyId &&
      (author.id === signatory.id || (author.personId !== null && author.personId === signatory.personId)),
  );
}

/** Whether a signature is at least as strong as asked for. */
export function strongEnough(strength: Strength, least: Strength): boolean {
  return STRENGTHS.indexOf(strength) >= STRENGTHS.indexOf(least);
}

/** A way of signing as people choose one, with the strength that it gives. */
export const WAYS_TO_SIGN: readonly { strength: Strength; words: string }[] = [
  { strength: 'mailbox', words: 'with the link and the code of a mail' },
  { strength: 'second_channel', words: 'on paper, which a second person of the operator confirms' },
  { strength: 'account_mfa', words: 'signed in with an account, with a code from its mailbox' },
  {
    strength: 'detached_signature',
    words: 'with a key of one’s own that was registered before the version was proposed',
  },
];

/** The strengths that are enough, weakest first. */
export function strengthsThatSuffice(least: Strength): Strength[] {
  return WAYS_TO_SIGN.map(({ strength }) => strength).filter((strength) => strongEnough(strength, least));
}

/** Ways that are strong enough, in words. Never empty: a detached signature is enough for every policy. */
export function waysThatSuffice(least: Strength): string[] {
  return WAYS_TO_SIGN.filter(({ strength }) => strongEnough(strength, least)).map(({ words }) => words);
}
