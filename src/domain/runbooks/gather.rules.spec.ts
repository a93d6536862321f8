import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gatherFor } from './gather.rules.ts';

const busy = { inHand: 1000, answers: 3, pressing: false, since: 10 };

test('waits for more only where much is under way, and for less where a lane is idle meanwhile', () => {
  expect(gatherFor(busy)).toBe(70);
  expect(gatherFor({ ...busy, since: 80 })).toBe(0);
  expect(gatherFor({ ...busy, answers: 100 })).toBe(0);
  expect(gatherFor({ ...busy, inHand: 12 })).toBe(0);
  expect(gatherFor({ ...busy, pressing: true })).toBe(20);
  expect(gatherFor({ ...busy, pressing: true, since: 30 })).toBe(0);
});

test('no result waits for longer than the pause between two transactions, and time only shortens it', () => {
  fc.assert(
    fc.property(
      fc.record({
        inHand: fc.nat(2000),
        answers: fc.nat(2000),
        pressing: fc.boolean(),
        since: fc.integer({ min: 0, max: 10_000 }),
      }),
      fc.nat(1000),
      (now, later) => {
        const wait = gatherFor(now);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait + now.since).toBeLessThanOrEqual(Math.max(now.since, 80));
        expect(gatherFor({ ...now, since: now.since + later })).toBeLessThanOrEqual(wait);
        expect(gatherFor({ ...now, answers: now.answers + later })).toBeLessThanOrEqual(wait);
      },
    ),
  );
});
