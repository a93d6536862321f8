import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import { shadowScore, type ShadowHint } from './shadow.rules.ts';

const NOW = Date.UTC(2026, 10, 22);
const hint = (over: Partial<ShadowHint> = {}): ShadowHint => ({
  reports: 1,
  publiclyLeaked: false,
  saidLive: false,
  lastAt: NOW,
  supplierIds: 0,
  ...over,
});

test('what still works comes before what is public, that before what was told often, that before what is fresh', () => {
  const old = NOW - 90 * ELAPSED_DAY;
  const order = [
    hint({ saidLive: true, publiclyLeaked: true }),
    hint({ saidLive: true, lastAt: old }),
    hint({ publiclyLeaked: true, reports: 20 }),
    hint({ reports: 20 }),
    hint({ reports: 2, lastAt: old }),
    hint({ lastAt: old }),
  ];
  const scores = order.map((one) => shadowScore(one, NOW));
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect(new Set(scores).size).toBe(scores.length);
});

test('no number of reports outweighs one that still works in public', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.nat(1000), (reports, supplierIds) => {
      expect(shadowScore(hint({ reports, supplierIds }), NOW)).toBeLessThan(
        shadowScore(hint({ saidLive: true, publiclyLeaked: true }), NOW),
      );
    }),
  );
});
