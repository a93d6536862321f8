import { expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvText } from './csv.ts';

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '＝1', '=HYPERLINK("http://x","y")'])(
  '%j is text for every spreadsheet',
  (text) => {
    expect(csvText([[text]]).startsWith(`"'`)).toBe(true);
  },
);

test('quotation marks, commas and line ends stay within their cell', () => {
  expect(csvText([['a "b"', 'c,d', 'e\nf']])).toBe('"a ""b""","c,d","e f"\r\n');
});

test('whatever stands in cells, as many records and cells come back, and none begins a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1 }), (rows) => {
      const records: string[][] = parse(csvText(rows), { relax_column_count: false });
      expect(records).toHaveLength(rows.length);
      for (const cells of records) {
        expect(cells).toHaveLength(2);
        for (const one of cells) expect(one).not.toMatch(/^\s*[=+\-@]/);
      }
    }),
  );
});
