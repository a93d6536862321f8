import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ELAPSED_DAY, MINUTE } from '../../kernel/time.ts';
import { stoppersOf, type DrillResult, type StopPath } from './stoppers.rules.ts';

const now = 1_000 * ELAPSED_DAY;
const path = (id: string, more: Partial<StopPath> = {}): StopPath => ({
  id,
  kind: 'connector',
  ordinal: 1,
  partyId: 'p',
  label: id,
  expectedMinutes: null,
  retired: false,
  byMachine: true,
  ...more,
});
const drill = (
  pathId: string,
  daysAgo: number,
  outcome: DrillResult['outcome'],
  minutes = 2,
): DrillResult => {
  const startedAt = now - daysAgo * ELAPSED_DAY;
  return { pathId, startedAt, endedAt: startedAt + minutes * MINUTE, outcome };
};
const order = (paths: StopPath[], drills: DrillResult[] = []) =>
  stoppersOf({ id: 'c', revocability: 'instant' }, paths, drills, now).map((one) => one.pathId);

test('what was tried comes first, what failed last, then by minutes, machines before people, then as agreed', () => {
  const paths = [
    path('failed', { expectedMinutes: 1 }),
    path('person', { kind: 'contact', byMachine: false, expectedMinutes: 30, ordinal: 4 }),
    path('untried'),
    path('proven-slow'),
    path('proven-fast'),
    path('old'),
    path('untried-2', { ordinal: 2 }),
    path('person-unknown', { kind: 'contact', byMachine: false, ordinal: 3 }),
    path('retired', { retired: true }),
  ];
  const drills = [
    drill('failed', 1, 'failed'),
    drill('failed', 2, 'passed'),
    drill('proven-slow', 10, 'passed', 90),
    drill('proven-fast', 10, 'passed', 1),
    drill('old', 181, 'passed'),
  ];
  expect(order(paths, drills)).toEqual([
    'proven-fast',
    'proven-slow',
    'old',
    'untried',
    'untried-2',
    'person',
    'person-unknown',
    'failed',
  ]);
});

test('a drill measures the minutes; a running one says nothing', () => {
  const [one] = stoppersOf(
    { id: 'c', revocability: 'instant' },
    [path('a', { expectedMinutes: 60 })],
    [drill('a', 1, null), drill('a', 2, 'passed', 7)],
    now,
  );
  expect(one).toMatchObject({
    expectedMinutes: 7,
    measured: true,
    standing: 'proven',
    lastDrill: { outcome: 'passed' },
  });
});

test('nobody can stop what only expires', () => {
  for (const revocability of ['impossible', 'expiry_only'] as const)
    expect(stoppersOf({ id: 'c', revocability }, [path('a')], [], now)).toEqual([]);
});

test('the order does not depend on the order of the rows', () => {
  const paths = fc.uniqueArray(
    fc.record({
      id: fc.uuid(),
      minutes: fc.option(fc.integer({ min: 1, max: 5 })),
      ordinal: fc.integer({ min: 1, max: 3 }),
      byMachine: fc.boolean(),
    }),
    { selector: (one) => one.id, maxLength: 6 },
  );
  fc.assert(
    fc.property(paths, fc.integer(), (rows, seed) => {
      const all = rows.map((row) =>
        path(row.id, { expectedMinutes: row.minutes, ordinal: row.ordinal, byMachine: row.byMachine }),
      );
      const shuffled = [...all].sort(
        (a, b) => ((a.id.charCodeAt(0) * seed) % 7) - ((b.id.charCodeAt(0) * seed) % 7),
      );
      expect(order(shuffled)).toEqual(order(all));
      expect(order(all)).toHaveLength(all.length);
    }),
  );
});
