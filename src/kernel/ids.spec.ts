import { expect, test } from '@jest/globals';
import { isId, newId, reference } from './ids.ts';

test('ids are UUIDv7, unique, and sorted by the time of their making', () => {
  const ids = Array.from({ length: 1000 }, newId);
  expect(new Set(ids).size).toBe(1000);
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids) expect([id, isId(id), id[14]]).toEqual([id, true, '7']);
});

test.each([
  '',
  'x',
  '0193522A-7B3A-7C00-8000-000000000001',
  '0193522a7b3a7c008000000000000001',
  null,
  7,
  '00000000-0000-0000-0000-000000000000',
])('%j is no id', (text) => expect(isId(text)).toBe(false));

test('a reference can be read out on the phone', () => {
  expect(reference('INC', 2026, 42)).toBe('INC-2026-0042');
  expect(reference('INC', 2026, 12345)).toBe('INC-2026-12345');
});
