import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { windowNoRunbookMeets } from './window-no-runbook-meets.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  windowNoRunbookMeets.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('window-no-runbook-meets', () => {
  test('says nothing of an integration that has everything', () => {
    expect(windowNoRunbookMeets.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('24 hours against two business days', () => {
    expect(
      find((facts) => {
        facts.runbooks[0]!.beforeNotice = { minutes: 0, businessDays: 2, steps: ['legal'], sender: 'send' };
      }),
    ).toMatchObject([
      {
        subject: { id: 'to_party-suspected' },
        message:
          'to_party-suspected promises a notice within 24 hours; the runbook Tell whom we promised to tell needs 2 business days before it can leave.',
        places: [
          { where: expect.stringContaining('Payment services 2026'), says: 'a notice within 24 hours' },
          { where: 'runbook notification, steps legal', says: expect.stringContaining('2 business days') },
        ],
      },
      {},
      {},
    ]);
  });

  test('two business days for two business days', () => {
    expect(
      find((facts) => {
        facts.runbooks[0]!.beforeNotice = { minutes: 0, businessDays: 2, steps: ['legal'], sender: 'send' };
        facts.agreement!.terms.forEach((term) => (term.window = { count: 2, unit: 'business-days' }));
      }),
    ).toEqual([]);
  });

  test('another runbook that is fast enough', () => {
    expect(
      find((facts) => {
        facts.runbooks.push({
          ...facts.runbooks[0]!,
          id: 'slow',
          beforeNotice: { minutes: 99_999, businessDays: 0, steps: ['s'], sender: 'send' },
        });
      }),
    ).toEqual([]);
  });

  test('no runbook that sends', () => {
    expect(
      find((facts) => {
        facts.runbooks = [];
      }),
    ).toHaveLength(3);
  });
});
