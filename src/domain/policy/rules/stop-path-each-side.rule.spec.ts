import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { stopPathEachSide } from './stop-path-each-side.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  stopPathEachSide.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('stop-path-each-side', () => {
  test('says nothing of an integration that has everything', () => {
    expect(stopPathEachSide.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('the customer has none', () => {
    expect(
      find(
        (facts) => {
          facts.credentials[0]!.paths = facts.credentials[0]!.paths.filter((path) => path.partyId === 'them');
        },
        { stopPathEachSide: true },
      ),
    ).toMatchObject([{ subject: { id: 'crd/customer' }, message: expect.stringContaining('Northwind') }]);
  });

  test('a side that is nobody', () => {
    expect(
      find(
        (facts) => {
          facts.parties.pop();
        },
        { stopPathEachSide: true },
      ),
    ).toMatchObject([{ subject: { id: 'int/supplier' } }]);
  });

  test('not asked for', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths = facts.credentials[0]!.paths.slice(1);
      }),
    ).toEqual([]);
  });
});
