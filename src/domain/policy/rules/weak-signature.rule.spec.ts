import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { weakSignature } from './weak-signature.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  weakSignature.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('weak-signature', () => {
  test('says nothing of an integration that has everything', () => {
    expect(weakSignature.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('a mailbox is not a second channel', () => {
    expect(
      find(
        (facts) => {
          facts.matrix!.attestations[1]!.strength = 'mailbox';
        },
        { signatureStrength: 'second_channel' },
      ),
    ).toMatchObject([{ message: expect.stringContaining('second channel') }]);
  });

  test('the strongest of several counts', () => {
    expect(
      find(
        (facts) => {
          facts.matrix!.attestations.push({
            ...facts.matrix!.attestations[1]!,
            id: 'second',
            strength: 'mailbox',
          });
        },
        { signatureStrength: 'second_channel' },
      ),
    ).toEqual([]);
  });
});
