import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { revocability } from './revocability.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  revocability.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('revocability', () => {
  test('says nothing of an integration that has everything', () => {
    expect(revocability.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('it only expires', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.revocability = 'expiry_only';
      }),
    ).toMatchObject([{ message: expect.stringContaining('expiry only') }]);
  });
});
