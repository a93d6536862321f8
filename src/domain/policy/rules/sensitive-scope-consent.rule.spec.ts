import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { sensitiveScopeConsent } from './sensitive-scope-consent.rule.ts';

const find = (consent: { id: string; personId: string; at: number } | null, sensitiveScopes: string[]) =>
  sensitiveScopeConsent.find(
    factsWhere((facts) => {
      facts.credentials[0]!.scopes = [
        { name: 'org.admin', description: '', justification: 'Sets up accounts', consent },
      ];
    }),
    { ...LIMITS, sensitiveScopes },
    NOW,
  );

describe('sensitive-scope-consent', () => {
  test('says nothing of an integration that has everything', () => {
    expect(sensitiveScopeConsent.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('a justification is no consent', () => {
    expect(find(null, ['*admin*'])).toMatchObject([
      {
        subject: { kind: 'credential', name: expect.stringContaining('org.admin') },
        mend: expect.stringContaining('consent to org.admin'),
      },
    ]);
  });

  test('a consent is, and what is not sensitive needs none', () => {
    expect(find({ id: 'c', personId: 'p', at: NOW }, ['*admin*'])).toEqual([]);
    expect(find(null, ['payments.*'])).toEqual([]);
  });

  test('is known to be idle where nothing is sensitive', () => {
    expect(sensitiveScopeConsent.idle?.({ ...LIMITS, sensitiveScopes: [] })).toBeDefined();
  });
});
