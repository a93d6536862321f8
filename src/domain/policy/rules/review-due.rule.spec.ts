import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { reviewDue } from './review-due.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  reviewDue.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('review-due', () => {
  test('says nothing of an integration that has everything', () => {
    expect(reviewDue.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('no date', () => {
    expect(
      find((facts) => {
        facts.agreement!.reviewOn = null;
      }),
    ).toHaveLength(1);
  });

  test('past', () => {
    expect(
      find((facts) => {
        facts.agreement!.reviewOn = '2026-06-13';
      }),
    ).toMatchObject([{ message: expect.stringContaining('2026-06-13') }]);
  });

  test('today is in time', () => {
    expect(
      find((facts) => {
        facts.agreement!.reviewOn = '2026-06-15';
      }),
    ).toEqual([]);
  });

  test('too far away', () => {
    expect(
      find((facts) => {
        facts.agreement!.reviewOn = '2028-01-01';
      }),
    ).toMatchObject([{ mend: expect.stringContaining('forward') }]);
  });
});
