import { describe, expect, test } from '@jest/globals';
import { days, factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { contactFreshness } from './contact-freshness.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  contactFreshness.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('contact-freshness', () => {
  test('says nothing of an integration that has everything', () => {
    expect(contactFreshness.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('never confirmed', () => {
    expect(
      find((facts) => {
        facts.parties[1]!.contacts[0]!.confirmedAt = null;
      }),
    ).toMatchObject([{ subject: { kind: 'contact', id: 'them-desk' } }]);
  });

  test('confirmed long ago', () => {
    expect(
      find((facts) => {
        facts.parties[1]!.contacts[0]!.confirmedAt = NOW - days(366);
      }),
    ).toHaveLength(1);
  });

  test('one whom nobody would call does not matter', () => {
    expect(
      find((facts) => {
        facts.parties[1]!.contacts.push({
          ...facts.parties[1]!.contacts[0]!,
          id: 'other',
          confirmedAt: null,
        });
      }),
    ).toEqual([]);
  });
});
