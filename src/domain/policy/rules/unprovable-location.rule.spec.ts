import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { unprovableLocation } from './unprovable-location.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  unprovableLocation.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('unprovable-location', () => {
  test('says nothing of an integration that has everything', () => {
    expect(unprovableLocation.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('nobody can look there', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.locations[0]!.provable = 'no';
      }),
    ).toMatchObject([{ subject: { kind: 'location' } }]);
  });
});
