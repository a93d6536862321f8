import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { laneRoom, MOST_IN_HAND } from './lane-room.rules.ts';

describe('room in a lane', () => {
  test('few lanes are as deep as they may be; many share what may be in hand', () => {
    const lane = { concurrency: 4, depth: 32, running: 0 };
    expect(laneRoom({ ...lane, lanes: 10 })).toBe(128);
    expect(laneRoom({ ...lane, lanes: 50 })).toBe(30);
    expect(laneRoom({ ...lane, running: 25, lanes: 50 })).toBe(5);
    expect(laneRoom({ ...lane, running: 40, lanes: 50 })).toBe(0);
    expect(laneRoom({ ...lane, lanes: 5000 })).toBe(4);
  });

  test('lanes never take more than there is, unless as many may run at once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(3000),
        fc.integer({ min: 1, max: 3000 }),
        (concurrency, depth, running, lanes) => {
          const room = laneRoom({ concurrency, depth, running, lanes });
          expect(room).toBeGreaterThanOrEqual(Math.max(0, concurrency - running));
          expect(room + running).toBeLessThanOrEqual(Math.max(running, concurrency * depth));
          const all = lanes * laneRoom({ concurrency, depth, running: 0, lanes });
          expect(all).toBeLessThanOrEqual(Math.max(MOST_IN_HAND, lanes * concurrency));
        },
      ),
    );
  });
});
