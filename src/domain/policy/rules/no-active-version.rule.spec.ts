import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { noActiveVersion } from './no-active-version.rule.ts';

describe('no-active-version', () => {
  test('says nothing of an integration that has everything', () => {
    expect(noActiveVersion.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('a slot that nobody filled, or of which nobody said so', () => {
    const facts = factsWhere((one) => {
      one.credentials[0]!.version = null;
    });
    expect(noActiveVersion.find(facts, LIMITS, NOW)).toMatchObject([
      { subject: { id: 'crd' }, message: expect.stringContaining('Checkout token') },
    ]);
  });
});
