import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SelectedItem } from '../../src/domain/runbooks/action.ts';
import { Selectors } from '../../src/domain/runbooks/catalogue.ts';
import type { Selector } from '../../src/domain/runbooks/selector.ts';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from '../support/app.ts';

/** What every selector owes the engine: pages that end, riskiest first, each key once, and an honest nothing. */

const chosen = Array.from({ length: 25 }, (_, i) => ({
  key: `k${i}`,
  label: `Thing ${i}`,
  subject: { kind: 'thing', id: newId() },
  priority: (i * 37) % 1000,
}));

/** Whether the input alone makes items, and how many. A selector without a line here fails the suite. */
const SAMPLES: Record<string, { input: Record<string, unknown>; items: number }> = {
  'credentials-of-integration': { input: {}, items: 0 },
  'exposed-versions': { input: {}, items: 0 },
  'from-input': { input: { items: chosen }, items: 25 },
  'locations-of-exposed-versions': { input: {}, items: 0 },
  'locations-of-integration': { input: {}, items: 0 },
  'new-version-of-rotation': { input: {}, items: 0 },
  'notices-owed': { input: {}, items: 0 },
  'old-version-of-rotation': { input: {}, items: 0 },
  'places-of-new-version': { input: {}, items: 0 },
  'places-of-old-version': { input: {}, items: 0 },
  'versions-of-integration': { input: {}, items: 0 },
};

let world: TestApp;
let selectors: Selectors;
beforeAll(async () => {
  world = await startApp();
  selectors = world.app.get(Selectors);
});
afterAll(() => world.close());

const inDb = <T>(work: (db: Db) => Promise<T>) =>
  world.app.get(Transactions).run(system('engine', 'contract'), work);

async function all(
  selector: Selector,
  request: { subject: { kind: string; id: string }; input: Record<string, unknown> },
  limit: number,
): Promise<SelectedItem[]> {
  const items: SelectedItem[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < 100; pages++) {
    const page: Awaited<ReturnType<Selector['page']>> = await inDb((db) =>
      selector.page(db, { ...request, cursor, limit }),
    );
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = page.next;
  }
  throw new Error('its pages do not end');
}

test('every registered selector is spoken for here, and no other', () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(selectors.names());
});

describe.each(Object.keys(SAMPLES))('%s', (name) => {
  const request = () => ({ subject: { kind: 'incident', id: newId() }, input: SAMPLES[name]!.input });

  test('pages end, each key stands once, and the riskiest comes first, whatever the size of a page', async () => {
    const selector = selectors.get(name)!;
    const given = request();
    const small = await all(selector, given, 4);
    const large = await all(selector, given, 1000);
    expect(small.map((item) => item.key)).toEqual(large.map((item) => item.key));
    expect(large).toHaveLength(SAMPLES[name]!.items);
    expect(new Set(large.map((item) => item.key)).size).toBe(large.length);
    const priorities = large.map((item) => item.priority);
    expect(priorities).toEqual(priorities.toSorted((a, b) => b - a));
    expect(await inDb((db) => selector.count(db, given))).toBe(large.length);
  });

  test('a subject that it knows nothing of selects nothing, and input that is not for it is no error', async () => {
    const selector = selectors.get(name)!;
    const strange = { subject: { kind: 'thing', id: newId() }, input: { items: 'not a list', versions: 7 } };
    expect(await all(selector, strange, 10)).toEqual([]);
    expect(await inDb((db) => selector.count(db, strange))).toBe(0);
  });
});
