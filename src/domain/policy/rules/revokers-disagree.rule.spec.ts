import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { revokersDisagree } from './revokers-disagree.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  revokersDisagree.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('revokers-disagree', () => {
  test('says nothing of an integration that has everything', () => {
    expect(revokersDisagree.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('another matrix names another revoker', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.sharedWith.push({ id: 'b', name: 'Refunds', revokerPartyId: 'us' });
      }),
    ).toMatchObject([
      {
        subject: { id: 'crd/b' },
        places: [
          { says: expect.stringContaining('Paylane') },
          { says: expect.stringContaining('Northwind') },
        ],
      },
    ]);
  });

  test('the same one', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.sharedWith.push({ id: 'b', name: 'Refunds', revokerPartyId: 'them' });
      }),
    ).toEqual([]);
  });
});
