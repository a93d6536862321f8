import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MINUTE } from '../../kernel/time.ts';
import { CONTROL_WINDOW, deathOf, type DeathFacts, type Sighting } from './death.rules.ts';

const now = Date.parse('2026-11-22T10:00:00Z');
const seen = (verdict: Sighting['verdict'], minutesAgo = 0, path = 'p'): Sighting => ({
  verdict,
  at: now - minutesAgo * MINUTE,
  path,
});
const facts = (more: Partial<DeathFacts>): DeathFacts => ({
  probe: seen('dead'),
  control: null,
  beforeRevoke: null,
  revokedAt: null,
  ownAuthentication: null,
  now,
  ...more,
});
const withoutCanary = {
  beforeRevoke: seen('live', 4),
  revokedAt: now - 2 * MINUTE,
  ownAuthentication: seen('live'),
};

describe('a canary vouches', () => {
  test.each<[string, Partial<DeathFacts>, string]>([
    ['seen live at the same time', { control: seen('live') }, 'dead'],
    ['seen live five minutes before', { control: seen('live', 5) }, 'dead'],
    ['seen live more than five minutes before', { control: seen('live', 5.01) }, 'indeterminate'],
    ['seen live after the probe', { probe: seen('dead', 3), control: seen('live', 0) }, 'dead'],
    ['refused as well (an emptied supplier)', { control: seen('dead') }, 'indeterminate'],
    ['without an answer', { control: seen('indeterminate') }, 'indeterminate'],
    ['on another path', { control: seen('live', 0, 'q') }, 'indeterminate'],
    ['from the future', { control: seen('live', -1) }, 'indeterminate'],
    [
      'refused, although the other way would do',
      { ...withoutCanary, control: seen('dead') },
      'indeterminate',
    ],
  ])('%s', (_name, more, expected) => {
    expect(deathOf(facts(more)).verdict).toBe(expected);
  });
});

describe('without a canary', () => {
  test.each<[string, Partial<DeathFacts>, string]>([
    ['seen live before, own authentication accepted', {}, 'dead'],
    ['never seen live', { beforeRevoke: null }, 'indeterminate'],
    ['seen dead before', { beforeRevoke: seen('dead', 4) }, 'indeterminate'],
    ['seen live too long before the revoke', { beforeRevoke: seen('live', 7.01) }, 'indeterminate'],
    ['seen live after the revoke', { beforeRevoke: seen('live', 1) }, 'indeterminate'],
    ['own authentication refused', { ownAuthentication: seen('dead') }, 'indeterminate'],
    ['own authentication not tried', { ownAuthentication: null }, 'indeterminate'],
    ['own authentication tried long ago', { ownAuthentication: seen('live', 6) }, 'indeterminate'],
    ['own authentication on another path', { ownAuthentication: seen('live', 0, 'q') }, 'indeterminate'],
    ['seen live on another path', { beforeRevoke: seen('live', 4, 'q') }, 'indeterminate'],
    ['never revoked', { revokedAt: null }, 'indeterminate'],
    [
      'refused before the revoke',
      { probe: seen('dead', 3), ownAuthentication: seen('live', 3) },
      'indeterminate',
    ],
  ])('%s', (_name, more, expected) => {
    expect(deathOf(facts({ ...withoutCanary, ...more })).verdict).toBe(expected);
  });
});

test('a live answer is live whatever vouches, none is indeterminate', () => {
  expect(deathOf(facts({ probe: seen('live'), control: seen('live') })).verdict).toBe('live');
  expect(deathOf(facts({ probe: null, control: seen('live') })).verdict).toBe('indeterminate');
  expect(deathOf(facts({ probe: seen('dead', -1), control: seen('live', -1) })).verdict).toBe(
    'indeterminate',
  );
});

const sighting = fc.record<Sighting>({
  verdict: fc.constantFrom('live', 'dead', 'indeterminate'),
  at: fc.integer({ min: now - 12 * MINUTE, max: now + MINUTE }),
  path: fc.constantFrom('p', 'q'),
});
const anything = fc.record<DeathFacts>({
  probe: fc.option(sighting),
  control: fc.option(sighting),
  beforeRevoke: fc.option(sighting),
  revokedAt: fc.option(fc.integer({ min: now - 12 * MINUTE, max: now })),
  ownAuthentication: fc.option(sighting),
  now: fc.constant(now),
});

test('dead never stands without a refusal and a live control near it on the same path', () => {
  fc.assert(
    fc.property(anything, (all) => {
      const verdict = deathOf(all);
      if (verdict.verdict !== 'dead') return;
      expect(all.probe?.verdict).toBe('dead');
      const near = (one: Sighting | null) =>
        one?.verdict === 'live' &&
        one.path === all.probe?.path &&
        Math.abs(one.at - (all.probe?.at ?? 0)) <= CONTROL_WINDOW;
      if (all.control) expect(near(all.control)).toBe(true);
      else {
        expect(near(all.ownAuthentication)).toBe(true);
        expect(all.beforeRevoke?.verdict).toBe('live');
        expect((all.revokedAt ?? Infinity) - (all.beforeRevoke?.at ?? -Infinity)).toBeLessThanOrEqual(
          CONTROL_WINDOW,
        );
      }
    }),
    { numRuns: 2000 },
  );
});

test('taking knowledge away never makes a death', () => {
  fc.assert(
    fc.property(
      anything,
      fc.constantFrom<'control' | 'beforeRevoke' | 'ownAuthentication' | 'probe'>(
        'beforeRevoke',
        'ownAuthentication',
        'probe',
      ),
      (all, gone) => {
        if (deathOf(all).verdict !== 'dead')
          expect(deathOf({ ...all, [gone]: null }).verdict).not.toBe('dead');
      },
    ),
    { numRuns: 2000 },
  );
});
