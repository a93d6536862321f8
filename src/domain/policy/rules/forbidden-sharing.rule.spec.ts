import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { forbiddenSharing } from './forbidden-sharing.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  forbiddenSharing.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('forbidden-sharing', () => {
  test('says nothing of an integration that has everything', () => {
    expect(forbiddenSharing.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('two integrations', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.sharedWith.push({ id: 'b', name: 'Refunds', revokerPartyId: null });
      }),
    ).toMatchObject([{ message: expect.stringContaining('serves 2 integrations') }]);
  });

  test('two are allowed', () => {
    expect(
      find(
        (facts) => {
          facts.credentials[0]!.sharedWith.push({ id: 'b', name: 'Refunds', revokerPartyId: null });
        },
        { integrationsPerCredential: 2 },
      ),
    ).toEqual([]);
  });
});
