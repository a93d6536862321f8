import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { shadowIntegration } from './shadow-integration.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  shadowIntegration.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('shadow-integration', () => {
  test('says nothing of an integration that has everything', () => {
    expect(shadowIntegration.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('discovered and never declared', () => {
    expect(
      find((facts) => {
        facts.integration.shadow = true;
      }),
    ).toHaveLength(1);
  });
});
