import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { discouragedKind } from './discouraged-kind.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  discouragedKind.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('discouraged-kind', () => {
  test('says nothing of an integration that has everything', () => {
    expect(discouragedKind.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('a static token', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.kind = 'personal_access_token';
      }),
    ).toHaveLength(1);
  });
});
