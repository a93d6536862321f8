import { describe, expect, test } from '@jest/globals';
import { Turns } from './turns.ts';

const never = new AbortController().signal;

describe('turns in a lane', () => {
  test('no more hold one than the lane allows, and who waited longest is next', async () => {
    const turns = new Turns();
    turns.limit('a', 2);
    const order: number[] = [];
    let [now, most] = [0, 0];
    await Promise.all(
      Array.from({ length: 9 }, async (_, n) => {
        const release = await turns.take('a', never);
        order.push(n);
        most = Math.max(most, (now += 1));
        await new Promise(setImmediate);
        now -= 1;
        release();
      }),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('one that is cut while it waits leaves its place, and takes no turn', async () => {
    const turns = new Turns();
    turns.limit('a', 1);
    const first = await turns.take('a', never);
    const cut = new AbortController();
    const second = turns.take('a', cut.signal);
    const third = turns.take('a', never);
    cut.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    first();
    (await third)();
    expect(turns.tryTake('a')).toBeDefined();
  });

  test('a turn is given back once, however often that is said', async () => {
    const turns = new Turns();
    turns.limit('a', 1);
    const first = await turns.take('a', never);
    first();
    first();
    const second = turns.tryTake('a');
    expect(second).toBeDefined();
    expect(turns.tryTake('a')).toBeUndefined();
  });

  test('a limit that is raised lets those go on that wait; a lower one holds back what comes then', async () => {
    const turns = new Turns();
    turns.limit('a', 1);
    const held = [await turns.take('a', never)];
    const waiting = turns.take('a', never);
    turns.limit('a', 2);
    held.push(await waiting);
    turns.limit('a', 1);
    held[0]!();
    expect(turns.tryTake('a')).toBeUndefined();
    held[1]!();
    expect(turns.tryTake('a')).toBeDefined();
  });

  test('a lane goes on while somebody waits for the next turn', async () => {
    const turns = new Turns();
    turns.limit('a', 1);
    const first = await turns.take('a', never);
    expect(turns.goesOn('a')).toBe(false);
    const second = turns.take('a', never);
    expect(turns.goesOn('a')).toBe(true);
    first();
    (await second)();
    expect([turns.goesOn('a'), turns.goesOn('b')]).toEqual([false, false]);
  });

  test('a lane without a limit has turns for all', () => {
    const turns = new Turns();
    expect(turns.depth('b')).toBe(1);
    expect([1, 2, 3].map(() => turns.tryTake('b'))).not.toContain(undefined);
  });

  test('what is held in reserve is one for each until a call has shown to be short', async () => {
    const turns = new Turns();
    turns.limit('a', 4);
    expect(turns.depth('a')).toBe(1);
    (await turns.take('a', never))();
    expect(turns.depth('a')).toBe(32);
  });
});
