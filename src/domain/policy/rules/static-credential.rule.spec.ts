import { describe, expect, test } from '@jest/globals';
import {
  BASELINE,
  days,
  factsWhere,
  LIMITS,
  NOW,
  policyNamed,
  soundFacts,
} from '../../../../test/support/gate-facts.ts';
import { staticCredential } from './static-credential.rule.ts';

const find = (
  version: { issuedAt?: number | null; activatedAt?: number | null; expiresAt?: number | null },
  kind = 'api_key',
  limits: Partial<typeof LIMITS> = {},
) =>
  staticCredential.find(
    factsWhere((facts) => {
      facts.credentials[0]!.kind = kind;
      Object.assign(facts.credentials[0]!.version!, version);
    }),
    { ...LIMITS, ...limits },
    NOW,
  );

describe('static-credential', () => {
  test('says nothing of an integration that has everything', () => {
    expect(staticCredential.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('an API key that lives for months, with what to use in its place', () => {
    expect(find({ issuedAt: NOW, expiresAt: NOW + days(90) })).toMatchObject([
      {
        subject: { kind: 'credential', id: 'crd' },
        message: 'Checkout token is a static api key that lives for 90 days.',
        mend: expect.stringContaining(LIMITS.delegatedAlternatives['api_key']!),
      },
    ]);
  });

  test('for ever, and when nobody knows since when', () => {
    expect(find({ expiresAt: null })).toMatchObject([{ message: expect.stringContaining('for ever') }]);
    expect(find({ issuedAt: null, activatedAt: null })).toHaveLength(1);
  });

  test('the limit itself is short enough', () => {
    const { staticAfter } = LIMITS;
    expect(find({ issuedAt: NOW, expiresAt: NOW + staticAfter })).toEqual([]);
    expect(find({ issuedAt: NOW, expiresAt: NOW + staticAfter + 1 })).toHaveLength(1);
  });

  test('not what is delegated, has no alternative, or is discouraged as such', () => {
    expect(find({ expiresAt: null }, 'oauth_access_token')).toEqual([]);
    expect(find({ expiresAt: null }, 'webhook_secret')).toEqual([]);
    expect(find({ expiresAt: null }, 'personal_access_token')).toEqual([]);
    expect(find({ expiresAt: null }, 'personal_access_token', { discouragedKinds: [] })).toHaveLength(1);
  });

  test('a child names kinds beside its parent’s, and is idle where nothing has an alternative', () => {
    expect(policyNamed('high-tier').limits.delegatedAlternatives).toMatchObject(
      BASELINE.limits.delegatedAlternatives,
    );
    expect(staticCredential.idle!(LIMITS)).toBeUndefined();
    expect(staticCredential.idle!({ ...LIMITS, delegatedAlternatives: {} })).toContain('alternative');
  });
});
