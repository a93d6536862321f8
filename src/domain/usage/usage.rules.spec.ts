import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOUR, MINUTE } from '../../kernel/time.ts';
import {
  burstOf,
  holdsValue,
  isAfterRevocation,
  labelOf,
  lastLabelled,
  mixtureOf,
  SLOT,
  UNKNOWN_FLOOR,
  slotOf,
  versionAt,
  type Declared,
} from './usage.rules.ts';

const declared: Declared = {
  environment: 'production',
  actors: new Set(['ci-deploy']),
  locations: new Set(['vault']),
};

test('the last of a row is the last that its label is about', () => {
  const declared = { environment: 'production', actors: new Set(['ci']), locations: new Set<string>() };
  const group = (actor: string, uses: number, lastAt: number) => ({
    actor,
    uses,
    lastAt,
    environment: 'production',
  });
  const groups = [group('first', 5, 1), group('second', 4, 2), group('ci', 1, 3)];
  expect(lastLabelled(groups, 'unknown_actor', null, declared)?.actor).toBe('second');
  expect(lastLabelled(groups, 'expected', null, declared)?.actor).toBe('ci');
  expect(lastLabelled(groups, 'other_environment', null, declared)).toBeUndefined();
});

describe('what a use looks like', () => {
  test.each([
    [{ environment: 'production', actor: 'ci-deploy', locationId: null }, 'expected'],
    [{ environment: null, actor: 'somebody', locationId: 'vault' }, 'expected'],
    [{ environment: 'laptop', actor: 'ci-deploy', locationId: 'vault' }, 'other_environment'],
    [{ environment: 'production', actor: 'somebody', locationId: null }, 'unknown_actor'],
    [{ environment: null, actor: null, locationId: null }, 'unknown_actor'],
    [{ environment: null, actor: null, locationId: 'a place of another credential' }, 'unknown_actor'],
  ] as const)('%j is %s', (use, label) => {
    expect(labelOf(use, declared)).toBe(label);
  });

  test('declaring more never makes an expected use suspicious', () => {
    const text = fc.constantFrom('a', 'b', 'c', null);
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'));
    fc.assert(
      fc.property(
        text,
        text,
        text,
        names,
        names,
        names,
        (environment, actor, locationId, actors, places, more) => {
          const before = { environment: 'a', actors: new Set(actors), locations: new Set(places) };
          const after = { ...before, actors: new Set([...actors, ...more]) };
          const use = { environment, actor, locationId };
          if (labelOf(use, before) === 'expected') expect(labelOf(use, after)).toBe('expected');
          // Who did it never excuses where it was done.
          if (environment !== null && environment !== 'a')
            expect(labelOf(use, after)).toBe('other_environment');
        },
      ),
    );
  });
});

describe('use after revocation', () => {
  test('only an accepted use, and only beyond what clocks and caches explain', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -HOUR, max: HOUR }),
        fc.constantFrom('accepted' as const, 'refused' as const),
        (later, outcome) => {
          const ended = 10 * HOUR;
          expect(isAfterRevocation({ at: ended + later, outcome }, ended)).toBe(
            outcome === 'accepted' && later > MINUTE,
          );
          expect(isAfterRevocation({ at: ended + later, outcome }, null)).toBe(false);
        },
      ),
    );
  });
});

describe('a place with uses by many', () => {
  test('is labelled by most of them, not by the last', () => {
    const groups = [
      { actor: 'somebody', environment: null, uses: 1 },
      { actor: 'ci-deploy', environment: 'production', uses: 9999 },
      { actor: 'ci-deploy', environment: 'laptop', uses: 3 },
    ];
    expect(mixtureOf(groups, null, declared)).toEqual([
      { label: 'expected', uses: 9999 },
      { label: 'other_environment', uses: 3 },
      { label: 'unknown_actor', uses: 1 },
    ]);
    expect(mixtureOf([], null, declared)).toEqual([]);
  });

  test('loses no use, and counts each under its own label', () => {
    const group = fc.record({
      actor: fc.option(fc.constantFrom('ci-deploy', 'somebody')),
      environment: fc.option(fc.constantFrom('production', 'laptop')),
      uses: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(group), fc.option(fc.constantFrom('vault', 'nowhere')), (groups, place) => {
        const told = mixtureOf(groups, place, declared);
        for (const { label, uses } of told)
          expect(
            groups
              .filter((one) => labelOf({ ...one, locationId: place }, declared) === label)
              .reduce((sum, one) => sum + one.uses, 0),
          ).toBe(uses);
        expect(told.reduce((sum, one) => sum + one.uses, 0)).toBe(
          groups.reduce((sum, one) => sum + one.uses, 0),
        );
        expect(told.map(({ uses }) => uses)).toEqual(told.map(({ uses }) => uses).toSorted((a, b) => b - a));
      }),
    );
  });
});

describe('bursts', () => {
  test.each([
    [{ accepted: 59, refused: 0, usual: 1 }, null],
    [{ accepted: 60, refused: 0, usual: 12 }, 'burst'],
    [{ accepted: 60, refused: 0, usual: 13 }, null],
    [{ accepted: 9999, refused: 0, usual: null }, null],
    [{ accepted: 10_000, refused: 0, usual: null }, 'burst'],
    [{ accepted: 10_000, refused: 0, usual: 2001 }, null],
    [{ accepted: 0, refused: 50, usual: null }, 'refused_burst'],
    [{ accepted: 70, refused: 90, usual: 1 }, 'burst'],
  ] as const)('%j: %s', (slot, kind) => {
    expect(burstOf(slot)).toBe(kind);
  });

  test('without a history a plain floor tells, and what is a burst there is one against a small history, too', () => {
    fc.assert(
      fc.property(fc.nat(30_000), fc.nat(2000), (accepted, usual) => {
        const unknown = burstOf({ accepted, refused: 0, usual: null });
        expect(unknown).toBe(accepted >= UNKNOWN_FLOOR ? 'burst' : null);
        if (unknown !== null) expect(burstOf({ accepted, refused: 0, usual })).toBe('burst');
      }),
    );
  });

  test('more of the same never ends a burst', () => {
    const n = fc.nat(20_000);
    fc.assert(
      fc.property(n, n, fc.option(n), n, (accepted, refused, usual, more) => {
        if (burstOf({ accepted, refused, usual }) === null) return;
        expect(burstOf({ accepted: accepted + more, refused: refused + more, usual })).not.toBeNull();
      }),
    );
  });

  test('a slot holds its uses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (at) => {
        expect(slotOf(at)).toBeLessThanOrEqual(at);
        expect(at - slotOf(at)).toBeLessThan(SLOT);
        expect(slotOf(slotOf(at))).toBe(slotOf(at));
      }),
    );
  });
});

describe('which version was used', () => {
  const old = { versionId: 'old', number: 1, phase: 'retired', from: 0, until: 100 };
  const overlap = { versionId: 'overlap', number: 2, phase: 'overlap', from: 50, until: 200 };
  const active = { versionId: 'active', number: 3, phase: 'active', from: 150, until: null };
  const next = { versionId: 'next', number: 4, phase: 'pending', from: 160, until: null };
  test.each([
    [20, undefined, 'old'],
    [60, undefined, 'overlap'],
    [170, undefined, 'active'],
    [170, 2, 'overlap'],
    [170, 4, 'next'],
    [-5, undefined, 'active'],
  ])('at %d, version %s: %s', (at, number, expected) => {
    expect(versionAt([old, overlap, active, next], at, number)?.versionId).toBe(expected);
  });
  test('a number that there is not is no version', () => {
    expect(versionAt([old], 10, 7)).toBeUndefined();
  });
});

describe('what seems to hold a value', () => {
  test.each([
    `ghp_${'a1'.repeat(18)}`,
    `Authorization: Bearer ${'x'.repeat(20)}`,
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${'s'.repeat(20)}`,
    '-----BEGIN RSA PRIVATE KEY-----',
    'https://user:hunter2hunter2@host/path',
    `sk_live_${'4'.repeat(20)}`,
  ])('%s', (text) => {
    expect(holdsValue(`job ${text}`)).toBe(true);
  });
  test.each([
    'arn:aws:sts::123456789012:assumed-role/deploy/i-0abc',
    'ci-deploy@acme.example',
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
    'a'.repeat(64),
    'vault: payments/checkout',
    'projects/a/serviceAccounts/b@c.iam',
  ])('not %s', (text) => {
    expect(holdsValue(text)).toBe(false);
  });
});
