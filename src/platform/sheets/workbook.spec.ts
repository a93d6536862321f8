import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readXlsx } from '../../../test/support/read-xlsx.ts';
import type { SheetCell } from './csv.ts';
import { TooManyRows, workbook } from './workbook.ts';

const columns = [
  { title: 'name', width: 20 },
  { title: 'count', width: 10 },
  { title: 'when', width: 18 },
];

async function opened(rows: SheetCell[][]) {
  const [sheet] = readXlsx(await workbook([{ name: 'One', columns, fixedColumns: 1, rows: [rows] }]));
  return sheet!;
}

test('text is text, a number a number, a date a date; the heading stays in sight', async () => {
  const when = new Date('2026-11-22T08:26:10Z');
  const sheet = await opened([
    ['Größe & <sinn> "x"', 42, when],
    ['', null, null],
  ]);
  expect(sheet).toMatchObject({ name: 'One', frozen: { rows: 1, columns: 1 } });
  expect(sheet.rows[0]!.map((cell) => cell?.value)).toEqual(['name', 'count', 'when']);
  expect(sheet.rows[1]).toEqual([
    { type: 'text', value: 'Größe & <sinn> "x"' },
    { type: 'number', value: 42 },
    { type: 'date', value: '2026-11-22T08:26:10.000Z' },
  ]);
  expect(sheet.rows[2] ?? []).toEqual([]);
}, 30_000);

test.each([
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  ' =1',
  '＝1',
  '=HYPERLINK("http://x","y")',
  '123',
])(
  '%j is text, and stays text when it is saved again',
  async (text) => {
    const sheet = await opened([[text, null, null]]);
    expect(sheet.rows[1]![0]!.type).toBe('text');
    expect(String(sheet.rows[1]![0]!.value)).not.toMatch(/^\s*[=+\-@]/);
    expect(String(sheet.rows[1]![0]!.value)).toContain(text.trim());
  },
  30_000,
);

test('whatever stands in cells, the file opens, and no cell is a formula', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1, maxLength: 50 }),
      async (texts) => {
        const sheet = await opened(texts.map((text) => [text, null, null]));
        for (const cell of sheet.rows.flat()) expect(cell?.type ?? 'text').toBe('text');
      },
    ),
    { numRuns: 10 },
  );
}, 60_000);

test('sheets stand in their order, fed in batches; beyond what a spreadsheet is good for it is refused', async () => {
  async function* batches(count: number) {
    for (let at = 0; at < count; at++)
      yield Array.from({ length: 500 }, (_, n): SheetCell[] => [`row ${at * 500 + n}`, n, null]);
  }
  const sheets = readXlsx(
    await workbook([
      { name: 'First', columns, rows: batches(3) },
      { name: 'Second', columns, rows: [[['only', 1, null]]] },
    ]),
  );
  expect(sheets.map(({ name, rows }) => [name, rows.length])).toEqual([
    ['First', 1501],
    ['Second', 2],
  ]);
  expect(sheets[0]!.rows[1500]![0]).toEqual({ type: 'text', value: 'row 1499' });
  await expect(workbook([{ name: 'Much', columns, rows: batches(201) }])).rejects.toThrow(TooManyRows);
}, 60_000);
