import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { notificationMissing } from './notification-missing.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  notificationMissing.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('notification-missing', () => {
  test('says nothing of an integration that has everything', () => {
    expect(notificationMissing.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('one direction is not promised', () => {
    expect(
      find((facts) => {
        facts.agreement!.terms = facts.agreement!.terms.filter((term) => term.id !== 'to_party-confirmed');
      }),
    ).toMatchObject([{ message: expect.stringMatching(/^We have not promised/) }]);
  });
});
