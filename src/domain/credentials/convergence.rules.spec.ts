import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { convergenceOf, SHOWN_BY, type HeldPlace } from './convergence.rules.ts';

const place = (over: Partial<HeldPlace>): HeldPlace => ({
  locationId: 'a',
  name: 'vault',
  kind: 'vault',
  path: '',
  partyName: null,
  version: 1,
  shownBy: 'record',
  at: 0,
  left: [],
  ...over,
});

describe('convergence', () => {
  test('what holds another version, or an unknown one, is not there yet and comes first', () => {
    const { counts, converged, places } = convergenceOf(
      [
        place({ locationId: 'a', name: 'a', version: 2, shownBy: 'fingerprint' }),
        place({ locationId: 'b', name: 'b', version: 2 }),
        place({ locationId: 'c', name: 'c', version: null, shownBy: null }),
        place({ locationId: 'd', name: 'd', version: 1, shownBy: 'store_api' }),
      ],
      2,
    );
    expect(counts).toEqual({ seen: 1, stated: 1, other: 1, unknown: 1 });
    expect(converged).toBe(false);
    expect(places.map(({ name, standing }) => `${name} ${standing}`)).toEqual([
      'd other',
      'c unknown',
      'b stated',
      'a seen',
    ]);
  });

  test('a word is enough to converge, but it is not called seen', () => {
    expect(convergenceOf([place({ version: 2 })], 2)).toMatchObject({
      converged: true,
      counts: { stated: 1, seen: 0 },
    });
  });

  test('where something was seen that is no version, it holds something else; that is known', () => {
    const strange = place({ version: null, shownBy: 'fingerprint', left: [2] });
    expect(convergenceOf([strange], 2)).toMatchObject({ converged: false, counts: { other: 1, unknown: 0 } });
  });

  test('nowhere is not everywhere, and without a version to hold nothing is there', () => {
    expect(convergenceOf([], 2).converged).toBe(false);
    expect(convergenceOf([place({})], null)).toMatchObject({ converged: false, counts: { other: 1 } });
  });

  const anyPlace = fc.record({
    locationId: fc.uuid(),
    name: fc.string(),
    kind: fc.constant('vault'),
    path: fc.constant(''),
    partyName: fc.constant(null),
    version: fc.option(fc.integer({ min: 1, max: 4 })),
    shownBy: fc.option(fc.constantFrom(...SHOWN_BY)),
    at: fc.constant(0),
    left: fc.constant([]),
  });

  test('every place is counted once, and converged means that each holds exactly the version', () => {
    fc.assert(
      fc.property(fc.array(anyPlace), fc.integer({ min: 1, max: 4 }), (places, target) => {
        const told = convergenceOf(places, target);
        expect(Object.values(told.counts).reduce((a, b) => a + b, 0)).toBe(places.length);
        expect(told.converged).toBe(places.length > 0 && places.every(({ version }) => version === target));
        for (const one of told.places.filter(({ standing }) => standing === 'seen'))
          expect(['fingerprint', 'store_api']).toContain(one.shownBy);
      }),
    );
  });
});
