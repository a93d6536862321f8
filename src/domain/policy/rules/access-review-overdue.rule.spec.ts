import { describe, expect, test } from '@jest/globals';
import { days, factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { accessReviewOverdue } from './access-review-overdue.rule.ts';

const review = {
  id: 'part',
  reference: 'ARV-2026-0007',
  dueAt: NOW,
  undecided: 3,
  removalsFailed: 0,
  accounts: false,
};
const find = (...reviews: Partial<typeof review>[]) =>
  accessReviewOverdue.find(
    factsWhere((facts) => {
      facts.accessReviews = reviews.map((one) => ({ ...review, ...one }));
    }),
    LIMITS,
    NOW,
  );

describe('access-review-overdue', () => {
  test('says nothing of an integration that has everything', () => {
    expect(accessReviewOverdue.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('the last instant is in time, the next is late', () => {
    expect(find({})).toEqual([]);
    expect(find({ dueAt: NOW - 1 })).toMatchObject([
      {
        subject: { kind: 'access_review', id: 'part', name: 'ARV-2026-0007' },
        message: '3 accesses to Checkout were to be reviewed by 2026-06-15 and were not.',
        mend: expect.stringContaining('ARV-2026-0007'),
      },
    ]);
  });

  test('accounts that nobody looked at count for every integration of the campaign', () => {
    expect(find({ dueAt: NOW - days(2), accounts: true })).toMatchObject([
      { message: expect.stringContaining('3 accounts and tokens') },
    ]);
  });

  test('a removal that failed is a finding of its own, however much time is left', () => {
    expect(find({ undecided: 0, removalsFailed: 1, dueAt: NOW + days(9) })).toMatchObject([
      { subject: { id: 'part/removals' }, message: expect.stringContaining('still there') },
    ]);
    expect(find({ removalsFailed: 2, dueAt: NOW - 1 })).toHaveLength(2);
  });
});
