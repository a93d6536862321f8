import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ELAPSED_DAY, HOUR } from '../../kernel/time.ts';
import {
  exposureWindow,
  type FeedStanding,
  type UseGroup,
  type WindowFacts,
} from './exposure-window.rules.ts';

const T = Date.parse('2026-11-01T00:00:00Z');
const now = T + 10 * ELAPSED_DAY;
const feed: FeedStanding = {
  key: 'gateway',
  clock: 'synchronised',
  aheadMs: 0,
  quietAfter: ELAPSED_DAY,
  firstReceivedAt: T - ELAPSED_DAY,
  lastReceivedAt: now - HOUR,
  gaps: [],
};
const facts: WindowFacts = {
  first: { at: T, basis: 'stated', stated: true },
  deadAt: null,
  declared: { environment: 'production', actors: new Set(['ci']), locations: new Set(['vault']) },
  uses: [],
  feeds: [feed],
  locations: [{ name: 'vault', reported: true }],
  keptSince: T - 300 * ELAPSED_DAY,
};
const use = (more: Partial<UseGroup>): UseGroup => ({
  environment: 'production',
  actor: 'ci',
  locationId: null,
  place: null,
  outcome: 'accepted',
  count: 1,
  firstAt: T + HOUR,
  lastAt: T + HOUR,
  ...more,
});

describe('the exposure window', () => {
  test('nothing seen is no proof, and never closes it', () => {
    const window = exposureWindow(facts, now);
    expect(window).toMatchObject({
      state: 'open',
      lastAcceptedAt: null,
      investigation: 'not_seen',
      blindSpots: [],
    });
    expect(window.answer).toMatch(/not proof/);
  });

  test('ends with the last accepted use, not with a refused one', () => {
    const window = exposureWindow(
      { ...facts, uses: [use({ lastAt: T + 2 * HOUR }), use({ outcome: 'refused', lastAt: T + 9 * HOUR })] },
      now,
    );
    expect(window).toMatchObject({
      lastAcceptedAt: T + 2 * HOUR,
      investigation: 'as_expected',
      counts: { expected: 1 },
    });
  });

  test('uses before it count for nothing', () => {
    const window = exposureWindow({ ...facts, uses: [use({ actor: 'eve', lastAt: T - HOUR })] }, now);
    expect(window).toMatchObject({
      investigation: 'not_seen',
      uses: [{ within: false, label: 'unknown_actor' }],
    });
  });

  test('a death closes it, a use after that opens it again', () => {
    const dead = { ...facts, deadAt: T + 5 * HOUR };
    expect(exposureWindow({ ...dead, uses: [use({})] }, now).state).toBe('closed');
    expect(exposureWindow({ ...dead, uses: [use({ lastAt: T + 6 * HOUR })] }, now).state).toBe('open');
  });

  test('an unknown actor weighs more than another environment, and that more than everything expected', () => {
    const elsewhere = use({ environment: 'laptop', count: 3 });
    const unknown = use({ actor: 'eve' });
    expect(exposureWindow({ ...facts, uses: [use({ count: 99 }), elsewhere] }, now).investigation).toBe(
      'other_environment',
    );
    const both = exposureWindow({ ...facts, uses: [use({ count: 99 }), elsewhere, unknown] }, now);
    expect(both).toMatchObject({
      investigation: 'unknown_actor',
      counts: { expected: 99, other_environment: 3, unknown_actor: 1 },
    });
  });

  test.each<[string, Partial<WindowFacts>, RegExp]>([
    ['no feed', { feeds: [] }, /No feed/],
    ['a late feed', { feeds: [{ ...feed, firstReceivedAt: T + 1 }] }, /began to report/],
    ['a gap', { feeds: [{ ...feed, gaps: [{ from: T + 1, until: T + HOUR }] }] }, /was silent from/],
    ['a silent feed', { feeds: [{ ...feed, lastReceivedAt: now - 2 * ELAPSED_DAY }] }, /silent since/],
    ['an unknown clock', { feeds: [{ ...feed, clock: 'unknown' }] }, /Nobody vouches/],
    ['a wrong clock', { feeds: [{ ...feed, aheadMs: 61_000 }] }, /61 s ahead/],
    [
      'a mute location',
      { locations: [{ name: 'laptop', reported: false }] },
      /laptop: not seen is not never/,
    ],
    ['retention', { keptSince: T + 1 }, /no longer kept/],
    ['no word of when', { first: { at: T, basis: 'issued', stated: false } }, /Nobody has said when/],
  ])('%s is stated', (_, more, said) => {
    const window = exposureWindow({ ...facts, ...more }, now);
    expect(window.blindSpots).toEqual([expect.stringMatching(said)]);
    expect(window.answer).toMatch(/blind spot/);
  });

  test('a gap outside the window limits nothing', () => {
    const gaps = [{ from: T - 5 * HOUR, until: T - HOUR }];
    expect(exposureWindow({ ...facts, feeds: [{ ...feed, gaps }] }, now).blindSpots).toEqual([]);
  });

  test('no use is lost, counted twice or counted from outside', () => {
    const group = fc.record({
      environment: fc.constantFrom('production', 'laptop', null),
      actor: fc.constantFrom('ci', 'eve', null),
      locationId: fc.constantFrom('vault', null),
      outcome: fc.constantFrom('accepted' as const, 'refused' as const),
      count: fc.integer({ min: 1, max: 50 }),
      at: fc.integer({ min: -100, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(group), (groups) => {
        const uses = groups.map(({ at, ...one }) => use({ ...one, firstAt: T + at, lastAt: T + at }));
        const window = exposureWindow({ ...facts, uses }, now);
        const inside = uses.filter(({ outcome, lastAt }) => outcome === 'accepted' && lastAt >= T);
        expect(window.uses).toHaveLength(uses.length);
        expect(Object.values(window.counts).reduce((a, b) => a + b, 0)).toBe(
          inside.reduce((sum, { count }) => sum + count, 0),
        );
        expect(window.lastAcceptedAt).toBe(
          inside.length === 0 ? null : Math.max(...inside.map(({ lastAt }) => lastAt)),
        );
        expect(window.investigation === 'not_seen').toBe(inside.length === 0);
      }),
    );
  });
});
