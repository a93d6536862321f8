import { describe, expect, test } from '@jest/globals';
import {
  counts,
  missingSigners,
  signersOf,
  strongEnough,
  WAYS_TO_SIGN,
  waysThatSuffice,
  wroteForAnother,
  type AttestationFacts,
} from './attestation.rules.ts';

const NOW = 1_000_000;
const one = (more: Partial<AttestationFacts> = {}): AttestationFacts => ({
  partyId: 'a',
  way: 'link',
  expiresAt: NOW + 1,
  withdrawnAt: null,
  fallenAt: null,
  confirmedAt: null,
  ...more,
});

test.each<[string, Partial<AttestationFacts>, boolean]>([
  ['given', {}, true],
  ['without an end', { expiresAt: null }, true],
  ['run out', { expiresAt: NOW }, false],
  ['withdrawn', { withdrawnAt: 1 }, false],
  ['fallen', { fallenAt: 1 }, false],
  ['on paper, not yet confirmed', { way: 'paper' }, false],
  ['on paper, confirmed', { way: 'paper', confirmedAt: 1 }, true],
])('a signature %s', (_, more, expected) => {
  expect(counts(one(more), NOW)).toBe(expected);
});

const row = (accountablePartyId: string) => ({
  duty: 'storage' as const,
  part: '',
  credentialId: null,
  accountablePartyId,
  performingPartyIds: [accountablePartyId],
});
const parties = [
  { id: 'a', roles: ['supplier'] },
  { id: 'b', roles: ['customer'] },
  { id: 'h', roles: ['sub_processor'] },
];

describe('who signs', () => {
  test('every accountable party', () => {
    expect(signersOf([row('a'), row('b'), row('a')], parties)).toEqual(['a', 'b']);
  });
  test('and both sides, where one party answers for everything', () => {
    expect(signersOf([row('a')], parties)).toEqual(['a', 'b']);
  });
  test('is missing until each has given a signature that counts', () => {
    expect(missingSigners(['a', 'b'], [one()], NOW)).toEqual(['b']);
    expect(missingSigners(['a', 'b'], [one(), one({ partyId: 'b', way: 'paper' })], NOW)).toEqual(['b']);
    expect(missingSigners(['a', 'b'], [one(), one({ partyId: 'b' })], NOW)).toEqual([]);
  });
});

describe('the author of an edit', () => {
  const author = { id: 'user-1', personId: 'person-1', partyId: 'b' };
  test('signs for the side for which it was written, and for no other', () => {
    expect(wroteForAnother({ id: 'user-1', personId: 'person-1', partyId: 'b' }, [author])).toBe(false);
    expect(wroteForAnother({ id: 'user-1', personId: null, partyId: 'a' }, [author])).toBe(true);
  });
  test('is the same person by whatever way they come', () => {
    expect(wroteForAnother({ id: 'contact-9', personId: 'person-1', partyId: 'a' }, [author])).toBe(true);
    expect(wroteForAnother({ id: 'contact-9', personId: 'person-2', partyId: 'a' }, [author])).toBe(false);
  });
  test('nobody known is nobody in particular', () => {
    expect(
      wroteForAnother({ id: 'contact-9', personId: null, partyId: 'a' }, [{ ...author, personId: null }]),
    ).toBe(false);
  });
});

test.each([
  ['mailbox', 4],
  ['second_channel', 3],
  ['account_mfa', 2],
  ['detached_signature', 1],
] as const)('for %s there are %d ways to sign, and none of them is too weak', (least, count) => {
  const ways = waysThatSuffice(least);
  expect(ways).toHaveLength(count);
  for (const { strength, words } of WAYS_TO_SIGN)
    expect(ways.includes(words)).toBe(strongEnough(strength, least));
});

test('strength is an order', () => {
  expect(strongEnough('mailbox', 'second_channel')).toBe(false);
  expect(strongEnough('detached_signature', 'account_mfa')).toBe(true);
  expect(strongEnough('account_mfa', 'account_mfa')).toBe(true);
});
