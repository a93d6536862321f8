import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { runbookNotifiesUnnamed } from './runbook-notifies-unnamed.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  runbookNotifiesUnnamed.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('runbook-notifies-unnamed', () => {
  test('says nothing of an integration that has everything', () => {
    expect(runbookNotifiesUnnamed.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('an address that the agreement does not name', () => {
    expect(
      find((facts) => {
        facts.runbooks[0]!.addresses = [{ step: 'call', address: 'ann@other.example' }];
      }),
    ).toMatchObject([
      { subject: { kind: 'runbook', id: 'notification/call' }, message: expect.not.stringContaining('ann@') },
    ]);
  });

  test('one that it names', () => {
    expect(
      find((facts) => {
        facts.runbooks[0]!.addresses = [{ step: 'call', address: 'Desk@them.example' }];
      }),
    ).toEqual([]);
  });
});
