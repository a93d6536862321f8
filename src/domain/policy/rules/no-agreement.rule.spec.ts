import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { noAgreement } from './no-agreement.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  noAgreement.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('no-agreement', () => {
  test('says nothing of an integration that has everything', () => {
    expect(noAgreement.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('none', () => {
    expect(
      find((facts) => {
        facts.agreement = null;
      }),
    ).toMatchObject([{ subject: { kind: 'integration' } }]);
  });

  test('one that has ended', () => {
    expect(
      find((facts) => {
        facts.agreement!.validUntil = NOW;
      }),
    ).toMatchObject([{ message: expect.stringContaining('ended') }]);
  });

  test('no containment steps', () => {
    expect(
      find((facts) => {
        facts.agreement!.containmentSteps = [];
      }),
    ).toMatchObject([{ subject: { kind: 'agreement', id: 'agr' } }]);
  });
});
