import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readCsv, readJsonLines, type Batch } from './read-lines.ts';
import type { RawRow } from './row.rules.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-read-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const file = (content: string | Uint8Array) => {
  const path = join(folder, `${++made}`);
  writeFileSync(path, content);
  return path;
};

async function all(batches: AsyncGenerator<Batch>): Promise<{ rows: RawRow[]; problems: Batch['problems'] }> {
  const rows: RawRow[] = [];
  const problems: Batch['problems'] = [];
  for await (const batch of batches) {
    rows.push(...batch.rows);
    problems.push(...batch.problems);
  }
  return { rows, problems };
}

const cellText = fc.string({
  unit: fc.constantFrom('a', 'Ä', '😀', ',', '"', '\n', '\r\n', ' ', ';', '=', '\t'),
  minLength: 1,
  maxLength: 8,
});
const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;

describe('CSV', () => {
  test('what is quoted is read back as it is, each row on the line where it begins', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(cellText, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (names, mark) => {
          let content = `${mark ? '\uFEFF' : ''}key,name\r\n`;
          const lines: number[] = [];
          for (const [at, value] of names.entries()) {
            lines.push(content.split('\n').length);
            content += `k${at},${quoted(value)}\r\n`;
          }
          const { rows, problems } = await all(readCsv(file(content), 'party'));
          expect(problems).toEqual([]);
          expect(rows.map(({ value }) => (value as { name: string }).name)).toEqual(names);
          expect(rows.map(({ line }) => line)).toEqual(lines);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('cells are put together across the pieces in which a file is read, as are their characters', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(200), async (shift) => {
        const name = `Ä😀 "quoted"\nand more ${'x'.repeat(shift)}`;
        const rows = Array.from({ length: 2_000 }, (_, at) => `k${at},${quoted(name)}\n`);
        const read = await all(readCsv(file(`key,name\n${rows.join('')}`), 'party'));
        expect(read.problems).toEqual([]);
        expect(new Set(read.rows.map(({ value }) => (value as { name: string }).name))).toEqual(
          new Set([name]),
        );
        expect(read.rows.map(({ line }) => line)).toEqual(rows.map((_, at) => 2 + 2 * at));
      }),
      { numRuns: 10 },
    );
  });

  test('a quotation mark within a cell that is not quoted is named with its line', async () => {
    for (const cell of ['12" pipe', '\u0000"', 'a"b"']) {
      const { problems } = await all(readCsv(file(`key,name\nk,${cell}\n`), 'party'));
      expect(problems).toEqual([
        expect.objectContaining({ line: 2, problem: 'the quotation marks do not fit' }),
      ]);
    }
  });

  test('no bytes whatever make it throw or hang', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), async (given) => {
        const { problems } = await all(
          readCsv(file(Buffer.concat([Buffer.from('key,name\n'), given])), 'party'),
        );
        for (const { mend } of problems) expect(mend).not.toBe('');
      }),
      { numRuns: 60 },
    );
  });

  test('cells become what their field is: lists, numbers, yes and no, JSON', async () => {
    const { rows } = await all(
      readCsv(
        file('kind;key;riskTier;shadow;environments;matrix;parties\nintegration;i;1;yes;;[];\n'),
        undefined,
      ),
    );
    expect(rows[0]).toEqual({
      line: 2,
      kind: 'integration',
      value: { key: 'i', riskTier: 1, shadow: true, matrix: [] },
    });
    const commas = await all(
      readCsv(
        file('kind,key,workingDays,holders,risk\ncalendar,c,1; 2,,\ncredential,x,,us; them,many\n'),
        undefined,
      ),
    );
    expect(commas.rows.map(({ value }) => value)).toEqual([
      { key: 'c', workingDays: [1, 2] },
      { key: 'x', holders: ['us', 'them'], risk: 'many' },
    ]);
  });

  test.each([
    ['too many cells', 'key,name\na,A,extra\n', { line: 2, field: '' }],
    ['a cell that should be JSON', 'key,terms\na,{oops\n', { line: 2, field: 'terms' }],
  ])('%s is a problem of its row', async (_, content, expected) => {
    const { rows } = await all(readCsv(file(content), content.includes('terms') ? 'agreement' : 'party'));
    const { line, problems } = rows[0] ?? { line: 0 };
    expect({ line, ...problems?.[0] }).toMatchObject(expected);
  });

  test.each([
    ['two columns of one name', 'key,key\na,b\n', 'key'],
    ['a column that no field has', 'key,colour\na,b\n', 'colour'],
    ['nothing', '', ''],
  ])('%s refuses the file', async (_, content, field) => {
    expect((await all(readCsv(file(content), 'party'))).problems).toMatchObject([{ line: 1, field }]);
  });
});

describe('JSON Lines', () => {
  test('whatever is written is read, blank lines and line ends of either kind aside', async () => {
    const row = fc.dictionary(
      fc.constantFrom('key', 'name', 'region'),
      fc.string({ unit: 'grapheme', maxLength: 10 }).filter((value) => !value.includes('\u0000')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\n\n'),
        async (given, end) => {
          const { rows } = await all(
            readJsonLines(
              file(given.map((value) => JSON.stringify({ kind: 'party', ...value })).join(end)),
              undefined,
            ),
          );
          expect(rows.map(({ value }) => value)).toEqual(given.map((value) => ({ ...value })));
          expect(rows.map(({ line }) => line)).toEqual(
            given.map((_, at) => 1 + at * (end === '\n\n' ? 2 : 1)),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a bad line is a problem of that line only', async () => {
    const { rows } = await all(
      readJsonLines(
        file(
          '{"kind":"party","key":"a"}\n{"kind":"party","key":"a","key":"b"}\n[]\n{"kind":"party","key":"c"}',
        ),
        undefined,
      ),
    );
    expect(rows.map(({ line, problems }) => [line, problems?.length ?? 0])).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 0],
    ]);
  });

  test('an endless line ends the file', async () => {
    const { problems } = await all(readJsonLines(file('x'.repeat(1_500_000)), undefined));
    expect(problems).toMatchObject([{ line: 1, problem: 'a line longer than 1 MB' }]);
  });

  test('lines are put together across the pieces in which a file is read', async () => {
    const long = Array.from({ length: 2000 }, (_, at) =>
      JSON.stringify({ kind: 'party', key: `k${at}`, name: 'ä'.repeat(400) }),
    ).join('\n');
    const { rows } = await all(readJsonLines(file(long), undefined));
    expect(rows).toHaveLength(2000);
    expect(
      rows.every(
        ({ value, line }, at) => line === at + 1 && (value as { name: string }).name === 'ä'.repeat(400),
      ),
    ).toBe(true);
  });
});
