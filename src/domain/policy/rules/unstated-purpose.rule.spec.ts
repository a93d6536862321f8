import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { unstatedPurpose } from './unstated-purpose.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  unstatedPurpose.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('unstated-purpose', () => {
  test('says nothing of an integration that has everything', () => {
    expect(unstatedPurpose.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('neither has a purpose', () => {
    expect(
      find((facts) => {
        facts.integration.purpose = ' ';
        facts.credentials[0]!.purpose = '';
      }),
    ).toMatchObject([{ subject: { kind: 'integration' } }, { subject: { kind: 'credential' } }]);
  });
});
