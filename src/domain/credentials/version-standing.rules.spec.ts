import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endOfVersion, standingOfVersion } from './version-standing.rules.ts';

const alive = { phase: 'active', liveness: null, deadSince: null, retiredAt: null, expiresAt: 900 };

describe('what a version is', () => {
  test('what is proven dead is never called by what it was meant for', () => {
    fc.assert(
      fc.property(fc.constantFrom('pending', 'active', 'overlap'), (phase) => {
        expect(standingOfVersion({ phase, liveness: 'dead' })).toBe('dead');
        for (const liveness of [null, 'live', 'indeterminate'])
          expect(standingOfVersion({ phase, liveness })).toBe(phase);
      }),
    );
    expect(standingOfVersion({ phase: 'retired', liveness: 'dead' })).toBe('retired');
  });

  test('it ends where it died, was retired or expires, whichever comes first', () => {
    expect(endOfVersion(alive)).toBe(900);
    expect(endOfVersion({ ...alive, expiresAt: null })).toBeNull();
    expect(endOfVersion({ ...alive, liveness: 'dead', deadSince: 500 })).toBe(500);
    expect(endOfVersion({ ...alive, liveness: 'dead', deadSince: 500, expiresAt: null })).toBe(500);
    expect(endOfVersion({ ...alive, liveness: 'dead', deadSince: 500, retiredAt: 400 })).toBe(400);
    // It was dead once and lives again.
    expect(endOfVersion({ ...alive, liveness: 'live', deadSince: 500 })).toBe(900);
  });
});
