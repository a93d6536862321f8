import { describe, expect, test } from '@jest/globals';
import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { newId } from './ids.ts';
import { commitment, entryText, readEntry, type LedgerEntry } from './ledger-entry.ts';

const ID = '01935f00-0000-7000-8000-000000000001';
const ENTRY: LedgerEntry = {
  v: 1,
  id: ID,
  kind: 'exposure.accepted',
  subject: { kind: 'exposure', id: ID },
  by: { kind: 'system', id: 'engine', party: null, correlation: 'c-1' },
  at: Date.parse('2026-11-22T01:00:00Z'),
  facts: {},
  committed: {},
};

describe('the text of an entry', () => {
  test('is this, byte for byte: changing it would orphan every ledger there is', () => {
    expect(entryText(ENTRY)).toBe(
      `{"at":"2026-11-22T01:00:00.000Z","by":{"correlation":"c-1","id":"engine","kind":"system","party":null},"id":"${ID}","kind":"exposure.accepted","subject":{"id":"${ID}","kind":"exposure"},"v":1}`,
    );
  });

  test('is the canonical JSON of its parts, and is read back', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const text = entryText(entry);
        expect(text).toBe(canonicalize(JSON.parse(text)));
        const read = readEntry(text) as LedgerEntry;
        expect({ ...read, facts: read.facts }).toEqual(JSON.parse(JSON.stringify(entry)));
      }),
    );
  });

  test('that somebody changed is read as what it now says in canonical JSON, or not at all', () => {
    const pieces = [
      '"',
      '\\',
      '{',
      '}',
      ',',
      ':',
      '0',
      '1',
      'a',
      'Z',
      ' ',
      'é',
      '\ud800',
      '"a":1,',
      ',"z":0',
      '{}',
    ];
    let read = 0;
    fc.assert(
      fc.property(
        entries,
        fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom('', ...pieces)), {
          minLength: 1,
          maxLength: 2,
        }),
        (entry, edits) => {
          let text = entryText(entry);
          for (const [at, gone, put] of edits) {
            const from = at % text.length;
            text = text.slice(0, from) + put + text.slice(from + gone);
          }
          const found = readEntry(text);
          if (typeof found === 'string') return;
          read++;
          expect(canonicalize(JSON.parse(text))).toBe(text);
          const { committed = {}, facts = {}, ...more } = JSON.parse(text) as Record<string, unknown>;
          const says = { ...more, committed, facts, at: Date.parse(String(more['at'])) };
          expect({ ...found, facts: found.facts }).toEqual(says);
        },
      ),
      { numRuns: 3000 },
    );
    expect(read).toBeGreaterThan(50);
  });

  test('has no place for what cannot be recorded', () => {
    for (const bad of [
      { id: 'x' },
      { subject: { kind: 'exposure', id: 'x' } },
      { kind: 'Exposure accepted' },
      { kind: '' },
      { subject: { kind: 'a"b', id: ID } },
      { at: Number.NaN },
    ]) {
      expect(() => entryText({ ...ENTRY, ...bad })).toThrow(RangeError);
    }
    expect(() => entryText({ ...ENTRY, facts: { amount: Number.NaN } })).toThrow(TypeError);
  });
});

test.each([
  ['{"a": 1}', 'is not canonical JSON'],
  ['[]', 'is no entry'],
  ['{}', 'does not have the form of an entry'],
  [entryText(ENTRY).replace('"subject":{', '"subject":{"a":1,'), 'does not have the form of an entry'],
  [entryText(ENTRY).replace('"v":1', '"v":2'), 'does not have the form of an entry'],
  [entryText(ENTRY).replace('"v":1', '"v":1,"w":1'), 'does not have the form of an entry'],
  [entryText(ENTRY).replace('2026-11-22T01:00:00.000Z', 'yesterday'), 'does not have the form of an entry'],
  [entryText({ ...ENTRY, committed: { name: 'no hash' } }), 'does not have the form of an entry'],
])('%j %s', (text, why) => expect(readEntry(text)).toBe(why));

test('a commitment binds text and salt', () => {
  const salt = Buffer.alloc(32, 7);
  // printf '\7…\7A. Person' | sha256sum
  expect(commitment(salt, 'A. Person')).toBe(commitment(Buffer.alloc(32, 7), 'A. Person'));
  expect(commitment(salt, 'A. Person')).not.toBe(commitment(Buffer.alloc(32, 8), 'A. Person'));
  expect(commitment(salt, 'A. Person')).not.toBe(commitment(salt, 'B. Person'));
  expect(commitment(Buffer.alloc(0), 'abc')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

const entries: fc.Arbitrary<LedgerEntry> = fc.record({
  v: fc.constant(1 as const),
  id: fc.constant(0).map(newId),
  kind: fc.constantFrom('exposure.accepted', 'run.step-settled', 'a'),
  subject: fc.record({ kind: fc.constantFrom('exposure', 'ledger_entry'), id: fc.constant(0).map(newId) }),
  by: fc.record(
    {
      kind: fc.constant('user'),
      id: fc.string(),
      party: fc.constantFrom(null, ID),
      person: fc.constant(ID),
      correlation: fc.string(),
    },
    { requiredKeys: ['kind', 'id', 'party', 'correlation'] },
  ),
  at: fc.integer({ min: 0, max: 4e12 }),
  facts: fc.dictionary(
    fc.string().filter((name) => name !== '__proto__'),
    fc.oneof(fc.string(), fc.integer(), fc.array(fc.boolean()), fc.constant(null)),
  ),
  committed: fc.dictionary(fc.constantFrom('name', 'by.ip', 'reason'), fc.constant('0'.repeat(64))),
});
