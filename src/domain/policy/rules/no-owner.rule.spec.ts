import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { noOwner } from './no-owner.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  noOwner.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('no-owner', () => {
  test('says nothing of an integration that has everything', () => {
    expect(noOwner.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('nobody owns it', () => {
    expect(
      find((facts) => {
        facts.integration.ownerContactId = null;
      }),
    ).toMatchObject([
      { subject: { kind: 'integration', id: 'int' }, message: 'Nobody owns this integration.' },
    ]);
  });

  test('an owner who left is none', () => {
    expect(
      find((facts) => {
        facts.parties[0]!.contacts[0]!.active = false;
      }),
    ).toMatchObject([{ message: expect.stringContaining('no longer active') }]);
  });
});
