import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import {
  countsOf,
  elsewhereSays,
  fateOf,
  obstaclesOf,
  PLACE_FATES,
  type SimulatedPlace,
} from './simulation.rules.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const place: SimulatedPlace = {
  kind: 'ci_variable',
  arrivedBy: 'stored',
  holds: 'active',
  number: 2,
  lastUsedAt: null,
  reportedSince: null,
};
const at = (more: Partial<SimulatedPlace>) => fateOf({ ...place, ...more }, NOW);

describe('what a rotation would do to a place', () => {
  test('a copy of its own that is in use breaks; what fetches or is given it changes over', () => {
    expect(at({ lastUsedAt: NOW - ELAPSED_DAY })).toMatchObject({
      fate: 'breaks',
      why: expect.stringContaining('2026-11-21'),
    });
    expect(at({ arrivedBy: 'brokered' }).fate).toBe('updates_itself');
    expect(at({ arrivedBy: 'injected' })).toMatchObject({
      fate: 'updates_itself',
      why: expect.stringContaining('next start'),
    });
  });

  test('an older version is overdue, whatever else is so', () => {
    expect(at({ holds: 'older', number: 1, arrivedBy: 'brokered' })).toMatchObject({
      fate: 'overdue',
      why: expect.stringContaining('version 1'),
    });
  });

  test('a log has no consumer', () => expect(at({ kind: 'log' }).fate).toBe('no_consumer'));

  test('not seen is not "never"', () => {
    expect(at({ reportedSince: NOW - 40 * ELAPSED_DAY })).toEqual({
      fate: 'unknown',
      why: expect.stringContaining('in 40 days, which is not "never"'),
    });
    expect(at({})).toEqual({ fate: 'unknown', why: expect.stringContaining('Nobody reports uses') });
  });

  test('nothing is called broken or safe that was not seen', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('vault', 'env_file', 'long_running_job'),
        fc.constantFrom('stored', 'cached', 'forwarded'),
        (kind, arrivedBy) => {
          expect(at({ kind, arrivedBy, reportedSince: NOW - ELAPSED_DAY }).fate).toBe('unknown');
        },
      ),
    );
    expect(PLACE_FATES).toContain(at({}).fate);
  });
});

describe('uses from no known place', () => {
  test('are told with their number, time and actors; what breaks is not known', () => {
    const lastUsedAt = NOW - ELAPSED_DAY;
    expect(elsewhereSays({ uses: 20_000, lastUsedAt, actors: ['ci', 'cron'] })).toMatch(
      /^20000 uses were .* at 2026-11-21T12:00:00\.000Z, by ci, cron\. It is not known what breaks\.$/,
    );
    expect(elsewhereSays({ uses: 1, lastUsedAt, actors: [] })).toMatch(/^1 use was .*by whom was not told/);
  });

  test('count as one that is not known, beside the places', () => {
    expect(countsOf([], true)).toEqual({
      breaks: 0,
      updates_itself: 0,
      overdue: 0,
      no_consumer: 0,
      unknown: 1,
    });
    expect(countsOf(['breaks', 'unknown', 'breaks'], false)).toMatchObject({ breaks: 2, unknown: 1 });
    expect(countsOf(['unknown'], true)).toMatchObject({ unknown: 2 });
  });
});

describe('what stands in its way', () => {
  const head = { versionId: 'v', open: null, deadSince: null, byMachine: true };
  const recipe = { madeBy: 'machine', oldFate: 'stays' };

  test('nothing where a machine can do it', () => expect(obstaclesOf(head, recipe, 'adds')).toEqual([]));

  test('a version in use that was proven dead is told: nothing that holds it works', () => {
    const dead = { ...head, deadSince: new Date('2026-11-22T10:00:00Z') };
    expect(obstaclesOf(dead, recipe, 'adds')).toEqual([
      expect.stringContaining('was proven dead at 2026-11-22T10:00:00.000Z'),
    ]);
  });

  test('no recipe, no machine, nothing in use', () => {
    const bare = { ...head, versionId: null, byMachine: false };
    expect(obstaclesOf(bare, null, 'no')).toHaveLength(3);
  });
});
