import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  judgeReveal,
  leaseEnd,
  obstaclesOf,
  REVEAL_LEVELS,
  strictest,
  whyNoCheckout,
  type CheckoutFacts,
  type RevealFacts,
  type VersionState,
} from './release.rules.ts';

const NOW = 1_000_000;
const sound: VersionState = {
  phase: 'active',
  expiresAt: null,
  kept: true,
  exposed: false,
  beingRevoked: false,
  dead: false,
};
const version = fc.record<VersionState>({
  phase: fc.constantFrom('pending', 'active', 'overlap', 'retired'),
  expiresAt: fc.option(fc.integer({ min: 0, max: 2 * NOW })),
  kept: fc.boolean(),
  exposed: fc.boolean(),
  beingRevoked: fc.boolean(),
  dead: fc.boolean(),
});

describe('what stands against a value', () => {
  test('nothing, of a sound one; each flaw has its own name', () => {
    expect(obstaclesOf(sound, NOW)).toEqual([]);
    const flaws: [Partial<VersionState>, string][] = [
      [{ kept: false }, 'not-kept'],
      [{ phase: 'retired' }, 'version-retired'],
      [{ expiresAt: NOW }, 'version-expired'],
      [{ exposed: true }, 'exposed'],
      [{ beingRevoked: true }, 'being-revoked'],
      [{ dead: true }, 'dead'],
    ];
    for (const [flaw, name] of flaws) expect(obstaclesOf({ ...sound, ...flaw }, NOW)).toEqual([name]);
    expect(obstaclesOf({ ...sound, expiresAt: NOW + 1 }, NOW)).toEqual([]);
  });
});

describe('a reveal', () => {
  const facts: RevealFacts = { policy: 'with-approval', obstacles: [], permitted: true, breakGlass: false };

  test('is shown to whom it was given, and to nobody else without breaking the glass', () => {
    expect(judgeReveal(facts)).toEqual({ show: true, skipped: [] });
    expect(judgeReveal({ ...facts, permitted: false })).toMatchObject({ show: false, code: 'not-given' });
    expect(judgeReveal({ ...facts, permitted: false, breakGlass: true })).toEqual({
      show: true,
      skipped: ['approval'],
    });
  });

  test('past every obstacle but a missing value, a retired or expired version, and a policy that says never', () => {
    const all = fc.record<RevealFacts>({
      policy: fc.constantFrom(...REVEAL_LEVELS),
      obstacles: version.map((one) => obstaclesOf(one, NOW)),
      permitted: fc.boolean(),
      breakGlass: fc.boolean(),
    });
    fc.assert(
      fc.property(all, (one) => {
        const verdict = judgeReveal(one);
        const hard = one.obstacles.some((what) =>
          ['not-kept', 'version-retired', 'version-expired'].includes(what),
        );
        if (hard || one.policy === 'never') return expect(verdict.show).toBe(false);
        if (verdict.show) {
          // What is passed over is named, whole; nothing is passed over unasked.
          expect(verdict.skipped.includes('approval')).toBe(!one.permitted);
          expect(verdict.skipped.includes('policy')).toBe(one.policy === 'break-glass');
          for (const what of one.obstacles) expect(verdict.skipped).toContain(what);
          if (verdict.skipped.length > 0) expect(one.breakGlass).toBe(true);
        } else expect(one.breakGlass).toBe(false);
      }),
    );
  });

  test('is held to the strictest of the policies', () => {
    expect(strictest([])).toBe('with-approval');
    expect(strictest(['with-approval', 'never', 'break-glass'])).toBe('never');
    expect(strictest(['break-glass', 'with-approval'])).toBe('break-glass');
  });
});

describe('a checkout', () => {
  const facts: CheckoutFacts = {
    identity: { state: 'approved', environment: 'production' },
    grant: { state: 'approved', expiresAt: NOW + 1 },
    integration: { state: 'live', pass: 'held', graceUntil: null },
    credential: { environment: 'production', retired: false },
    version: sound,
  };

  test('is made where everything holds', () => expect(whyNoCheckout(facts, NOW)).toBeNull());

  test.each<[string, Partial<CheckoutFacts>]>([
    ['identity-not-approved', { identity: { state: 'retired', environment: 'production' } }],
    ['grant-not-approved', { grant: { state: 'ended', expiresAt: NOW + 1 } }],
    ['grant-expired', { grant: { state: 'approved', expiresAt: NOW } }],
    ['integration-not-live', { integration: { state: 'suspended', pass: 'held', graceUntil: null } }],
    ['pass-lost', { integration: { state: 'live', pass: 'refused', graceUntil: null } }],
    ['pass-lost', { integration: { state: 'live', pass: 'lost', graceUntil: NOW } }],
    ['pass-lost', { integration: { state: 'live', pass: 'lost', graceUntil: null } }],
    ['credential-retired', { credential: { environment: 'production', retired: true } }],
    ['other-environment', { credential: { environment: 'staging', retired: false } }],
    ['no-active-version', { version: null }],
    ['exposed', { version: { ...sound, exposed: true } }],
  ])('is refused as %s', (code, change) => {
    expect(whyNoCheckout({ ...facts, ...change }, NOW)).toMatchObject({ code });
  });

  test('goes on while a lost pass is in its grace', () => {
    const integration = { state: 'live', pass: 'lost', graceUntil: NOW + 1 };
    expect(whyNoCheckout({ ...facts, integration }, NOW)).toBeNull();
  });

  test('ends at the first of its ends', () => {
    const limits = fc.record({
      seconds: fc.integer({ min: 10, max: 86_400 }),
      latestEnd: fc.integer({ min: NOW, max: NOW * 200 }),
      versionExpiresAt: fc.option(fc.integer({ min: NOW, max: NOW * 200 })),
      grantExpiresAt: fc.integer({ min: NOW, max: NOW * 200 }),
    });
    fc.assert(
      fc.property(limits, (one) => {
        const ends = [NOW + one.seconds * 1000, one.latestEnd, one.grantExpiresAt];
        if (one.versionExpiresAt !== null) ends.push(one.versionExpiresAt);
        expect(leaseEnd(one, NOW)).toBe(Math.min(...ends));
      }),
    );
  });
});
