import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { scopeJustification } from './scope-justification.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  scopeJustification.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('scope-justification', () => {
  test('says nothing of an integration that has everything', () => {
    expect(scopeJustification.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('nobody said why', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.scopes[0]!.justification = ' ';
      }),
    ).toMatchObject([{ subject: { id: 'crd/payments.write' } }]);
  });
});
