import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { linesOfItems, readJsonDocument, readYamlDocument } from './read-document.rules.ts';

const bytes = (text: string) => Buffer.from(text, 'utf8');
const FORBIDDEN = ['__proto__', 'constructor', 'prototype'];
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !value.includes('\u0000'));
const name = text.filter((value) => !FORBIDDEN.includes(value));
const field = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 }));
const row = fc.dictionary(name, field, { maxKeys: 5 }).map((value) => ({ ...value }));
const document = fc.record({
  parties: fc.array(row, { maxLength: 5 }),
  integrations: fc.array(row, { maxLength: 5 }),
});

describe('JSON', () => {
  test('whatever is written is read, row by row, in its order', () => {
    fc.assert(
      fc.property(document, fc.constantFrom(0, 1, 2), (given, indent) => {
        const { rows, problems } = readJsonDocument(bytes(JSON.stringify(given, null, indent)));
        expect(problems).toEqual([]);
        expect(rows.map(({ kind, value }) => [kind, value])).toEqual([
          ...given.parties.map((value) => ['party', value]),
          ...given.integrations.map((value) => ['integration', value]),
        ]);
      }),
    );
  });

  test('each row knows the line on which it begins', () => {
    fc.assert(
      fc.property(document, (given) => {
        const written = JSON.stringify(given, null, 2);
        const lines = written.split('\n');
        for (const { line } of readJsonDocument(bytes(written)).rows)
          expect(lines[line - 1]).toMatch(/^ {4}\{/);
      }),
    );
  });

  test('no bytes whatever make it throw, and bad ones are refused with a line and a mend', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (given) => {
        const { rows, problems } = readJsonDocument(given);
        expect(rows.length > 0 || problems.length > 0 || isEmpty(given)).toBe(true);
        for (const { line, mend } of problems) expect([line > 0, mend === '']).toEqual([true, false]);
      }),
    );
  });

  test('a document that is cut anywhere is refused', () => {
    const whole = JSON.stringify({ parties: [{ key: 'a', name: 'Ä "quoted" \\ name' }] });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: whole.length - 1 }), (at) => {
        expect(readJsonDocument(bytes(whole.slice(0, at))).problems).toHaveLength(1);
      }),
    );
  });

  test('a byte order mark is no part of it', () => {
    expect(
      readJsonDocument(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes('{"parties":[{"key":"a"}]}')]))
        .rows,
    ).toHaveLength(1);
  });

  test('lines are counted through strings, escapes and nested lists', () => {
    const found = linesOfItems('{\n"a": [\n  "x\\"]",\n  [1,\n 2],\n  {"b": [\n{}]}, 3\n],\n"c":\n[{}]\n}');
    expect([...found]).toEqual([
      ['a', [3, 4, 6, 7]],
      ['c', [10]],
    ]);
  });
});

describe('YAML', () => {
  test('says the same as JSON', () => {
    fc.assert(
      fc.property(document, (given) => {
        const asYaml = readYamlDocument(
          bytes(stringify(given, { version: '1.2', aliasDuplicateObjects: false })),
        );
        const asJson = readJsonDocument(bytes(JSON.stringify(given)));
        expect(asYaml.problems).toEqual([]);
        expect(asYaml.rows.map(({ kind, value }) => [kind, value])).toEqual(
          asJson.rows.map(({ kind, value }) => [kind, value]),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('no text whatever makes it throw', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            'a',
            ':',
            ' ',
            '\n',
            '-',
            '[',
            ']',
            '{',
            '}',
            '&',
            '*',
            '!',
            '|',
            '>',
            '"',
            "'",
            '#',
            '?',
            ',',
            '\t',
          ),
          maxLength: 60,
        }),
        (given) => {
          expect(() => readYamlDocument(bytes(given))).not.toThrow();
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ['an anchor', 'parties:\n  - &a {key: a}\n', 2],
    ['an alias', 'x: 1\nparties: *a\n', 2],
    ['a merge key', 'parties:\n  - {key: a}\n  - <<: {key: b}\n    name: B\n', 3],
    ['a key that is a list', 'parties:\n  - ? [a]\n    : b\n', 2],
    ['a prototype key', 'parties:\n  - key: a\n    __proto__: {x: 1}\n', 3],
  ])('%s is refused on its line', (what, given, line) => {
    const { rows, problems } = readYamlDocument(bytes(given));
    if (what === 'a merge key') {
      // A plain member of that name, which no kind of row has.
      expect(rows.map(({ value }) => value)).toEqual([{ key: 'a' }, { '<<': { key: 'b' }, name: 'B' }]);
    } else expect(problems).toMatchObject([{ line }]);
  });

  test('dates and norwegian noes stay text', () => {
    expect(
      readYamlDocument(bytes('parties:\n  - {key: no, name: 2026-01-01, on: yes}\n')).rows[0]?.value,
    ).toEqual({ key: 'no', name: '2026-01-01', on: 'yes' });
  });
});

function isEmpty(given: Uint8Array): boolean {
  return /^\s*\{\s*(?:"countersign"\s*:\s*1)?\s*\}\s*$/.test(Buffer.from(given).toString('utf8'));
}
