import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { allowedStores } from './allowed-stores.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  allowedStores.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('allowed-stores', () => {
  test('says nothing of an integration that has everything', () => {
    expect(allowedStores.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('a laptop', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.locations[0]!.kind = 'laptop';
      }),
    ).toMatchObject([{ subject: { kind: 'location', id: 'loc' } }]);
  });
});
