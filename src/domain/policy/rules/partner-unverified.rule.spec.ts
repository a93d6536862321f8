import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { partnerUnverified } from './partner-unverified.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0]) =>
  partnerUnverified.find(factsWhere(change), LIMITS, NOW);

describe('partner-unverified', () => {
  test('says nothing of an integration whose partners are verified', () => {
    expect(partnerUnverified.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('names the partner, and never the operator', () => {
    expect(
      find((facts) => {
        for (const party of facts.parties) party.verifiedAt = null;
      }),
    ).toMatchObject([
      { subject: { kind: 'party', id: 'them' }, message: expect.stringContaining('Paylane') },
    ]);
  });

  test('is not about a party that only lends a contact', () => {
    expect(
      find((facts) => {
        facts.parties[1]!.verifiedAt = null;
        facts.parties[1]!.roles = [];
      }),
    ).toEqual([]);
  });
});
