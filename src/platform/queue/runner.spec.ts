import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOUR, SECOND } from '../../kernel/time.ts';
import { backoff, within } from './runner.ts';

describe('the wait before another try', () => {
  test('doubles from the first, and ends at an hour', () => {
    const retry = { attempts: 99, backoff: 10 * SECOND };
    expect([1, 2, 3, 30].map((failures) => backoff(retry, failures, 0.5))).toEqual([
      10 * SECOND,
      20 * SECOND,
      40 * SECOND,
      HOUR,
    ]);
  });

  test('is spread by a fifth to both sides, so that those who failed together do not come back together', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (failures, random) => {
          const retry = { attempts: 99, backoff: SECOND };
          const middle = backoff(retry, failures, 0.5);
          const wait = backoff(retry, failures, random);
          expect(wait).toBeGreaterThanOrEqual(Math.floor(middle * 0.8));
          expect(wait).toBeLessThanOrEqual(Math.ceil(middle * 1.2));
        },
      ),
    );
  });
});

describe('waiting, but not for ever', () => {
  test('says whether the work ended, and passes its failure on', async () => {
    expect(await within(Promise.resolve(1), 1000)).toBe('settled');
    expect(await within(new Promise(() => {}), 5)).toBe('late');
    await expect(within(Promise.reject(new Error('no')), 1000)).rejects.toThrow('no');
  });
});
