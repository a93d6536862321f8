import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SHARE_PATIENCE, shareOf } from './shares.rules.ts';

const none = { inHand: () => false, readyFor: () => 0 };

describe('the lanes that a worker may begin with', () => {
  const several = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });

  test('are all lanes once, over all workers, and nobody has two more than another', () => {
    fc.assert(
      fc.property(several, several, (lanes, workers) => {
        const shares = workers.map((worker) => shareOf({ lanes, workers, worker, ...none }));
        expect(shares.flatMap((share) => [...share]).toSorted()).toEqual(lanes.toSorted());
        const sizes = shares.map(({ size }) => size);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('are all of them where nobody else lives', () => {
    expect(shareOf({ lanes: ['a', 'b'], workers: ['one'], worker: 'one', ...none }).size).toBe(2);
    expect(shareOf({ lanes: ['a', 'b'], workers: [], worker: 'one', ...none }).size).toBe(2);
  });

  test('are those in hand, and those that a peer leaves ready for too long', () => {
    const workers = ['one', 'two'];
    const of = (o: Partial<typeof none>) => [
      ...shareOf({ lanes: ['a', 'b', 'c'], workers, worker: 'two', ...none, ...o }),
    ];
    expect(of({})).toEqual(['b']);
    expect(of({ inHand: (lane: string) => lane === 'c' } as never)).toEqual(['b', 'c']);
    expect(of({ readyFor: () => SHARE_PATIENCE })).toEqual(['a', 'b', 'c']);
  });
});
