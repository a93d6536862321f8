import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chainContradictions, type ChainLink } from './chain-windows.rules.ts';

const link = (id: string, window: number | null, ...dependsOn: (string | [string, number])[]): ChainLink => ({
  integrationId: id,
  name: `Integration ${id}`,
  rows: [
    {
      duty: 'notification',
      part: '',
      credentialId: null,
      accountablePartyId: 'p',
      performingPartyIds: ['p'],
      windowMinutes: window,
    },
  ],
  dependsOn: dependsOn.map((one) =>
    typeof one === 'string' ? { integrationId: one, depth: 1 } : { integrationId: one[0], depth: one[1] },
  ),
});
const links = (...all: ChainLink[]) => new Map(all.map((one) => [one.integrationId, one]));

test('a duty that is shorter than the sum of its chain names both sides', () => {
  const found = chainContradictions('a', links(link('a', 2000, 'b'), link('b', 1440, 'c'), link('c', 1440)));
  expect(found).toEqual([
    {
      duty: 'notification',
      part: '',
      integrationId: 'a',
      windowMinutes: 2000,
      neededMinutes: 2880,
      chain: [
        { integrationId: 'b', name: 'Integration b', windowMinutes: 1440 },
        { integrationId: 'c', name: 'Integration c', windowMinutes: 1440 },
      ],
    },
  ]);
});

test.each<[string, ChainLink[]]>([
  ['the sum itself is enough', [link('a', 2880, 'b'), link('b', 1440, 'c'), link('c', 1440)]],
  ['what promised nothing contradicts nothing', [link('a', null, 'b'), link('b', 1440)]],
  ['a chain that promised nothing needs nothing', [link('a', 1, 'b'), link('b', null)]],
  ['an integration that nobody knows is passed over', [link('a', 1, 'x')]],
  ['nothing is dependent on itself', [link('a', 1, 'a')]],
])('%s', (_, all) => {
  expect(chainContradictions('a', links(...all))).toEqual([]);
});

test('the slowest of several ways counts, and only to the fifth supplier', () => {
  const all = links(
    link('a', 1, 'b', 'c'),
    link('b', 10),
    link('c', 1, 'd'),
    link('d', 1, 'e'),
    link('e', 1, 'f'),
    link('f', 1, 'g'),
    link('g', 1000),
  );
  expect(chainContradictions('a', all)[0]).toMatchObject({ neededMinutes: 1004 });
  const deeper = new Map(all).set('g', link('g', 1, 'h')).set('h', link('h', 5000));
  expect(chainContradictions('a', deeper)[0]).toMatchObject({ neededMinutes: 10 });
});

test('a supplier named at its depth uses that depth up', () => {
  const all = links(link('a', 1, ['b', 4]), link('b', 100, 'c'), link('c', 100, 'd'), link('d', 100));
  expect(chainContradictions('a', all)[0]?.neededMinutes).toBe(200);
});

test('no circle keeps it, and the need never shrinks with a longer window', () => {
  const windows = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 5, maxLength: 5 });
  const edges = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(windows, edges, fc.integer({ min: 1, max: 4 }), (given, pairs, slower) => {
      const graph = (of: number[]) =>
        links(
          ...of.map((window, at) =>
            link(
              String(at),
              at === 0 ? 1 : window,
              ...pairs.filter(([f]) => f === at).map(([, to]) => String(to)),
            ),
          ),
        );
      const need = (of: number[]) => chainContradictions('0', graph(of))[0]?.neededMinutes ?? 0;
      expect(need(given.with(slower, given[slower]! + 50))).toBeGreaterThanOrEqual(need(given));
    }),
  );
});
