import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { tooManyScopes } from './too-many-scopes.rule.ts';

const withScopes = (count: number) =>
  tooManyScopes.find(
    factsWhere((facts) => {
      facts.credentials[0]!.scopes = Array.from({ length: count }, (_, at) => ({
        name: `scope-${at}`,
        description: '',
        justification: 'Needed',
      }));
    }),
    { ...LIMITS, scopesPerCredential: 3 },
    NOW,
  );

describe('too-many-scopes', () => {
  test('says nothing of an integration that has everything', () => {
    expect(tooManyScopes.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('as many as allowed pass, one more does not', () => {
    expect(withScopes(3)).toEqual([]);
    expect(withScopes(4)).toMatchObject([
      { subject: { kind: 'credential' }, message: expect.stringMatching(/4 scopes; the policy allows 3/) },
    ]);
  });
});
