import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { notificationWindow } from './notification-window.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  notificationWindow.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('notification-window', () => {
  test('says nothing of an integration that has everything', () => {
    expect(notificationWindow.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('too long', () => {
    expect(
      find((facts) => {
        facts.agreement!.terms[0]!.window = { count: 5, unit: 'business-days' };
      }),
    ).toMatchObject([{ subject: { kind: 'term' }, message: expect.stringContaining('8 days') }]);
  });

  test('no number', () => {
    expect(
      find((facts) => {
        facts.agreement!.terms[0]!.window = null;
      }),
    ).toMatchObject([{ message: expect.stringContaining('no number') }]);
  });
});
