import { parentPort } from 'node:worker_threads';
import writeXlsxFile, { type Cell, type Row, type Sheet as XlsxSheet } from 'write-excel-file/node';
import { guarded, type SheetCell } from './csv.ts';
import type { ToThread } from './workbook.ts';

/** The thread in which a workbook is written: it is told sheets and rows, and answers with the file. */
const port = parentPort;
if (!port) throw new Error('this file is a thread of workbook');

const AS_TEXT = '@'; // also what is typed into the cell later stays text
const MOST_CHARACTERS = 32_767; // of one cell

function cellOf(value: SheetCell): Cell {
  if (value === null || value === '') return null;
  if (value instanceof Date) return { type: Date, value, format: 'yyyy-mm-dd hh:mm' };
  if (typeof value === 'number') return { type: Number, value };
  return {
    type: String,
    value: guarded(value).slice(0, MOST_CHARACTERS),
    format: AS_TEXT,
    wrap: true,
    alignVertical: 'top',
  };
}

const sheets: { of: Omit<XlsxSheet<never>, 'data'>; data: Row[] }[] = [];
port.on('message', (told: ToThread) => {
  if (told === 'end') {
    void writeXlsxFile(sheets.map(({ of, data }) => ({ ...of, data })))
      .toBuffer()
      .then((file) => port.postMessage(file));
  } else if ('sheet' in told) {
    const { name, columns, fixedColumns = 0 } = told.sheet;
    const heading: Row = columns.map(({ title }) => ({
      type: String,
      value: title,
      fontWeight: 'bold',
      backgroundColor: '#e8edf3',
      wrap: true,
    }));
    sheets.push({
      of: {
        sheet: name,
        columns: columns.map(({ width }) => ({ width })),
        stickyRowsCount: 1,
        stickyColumnsCount: fixedColumns,
        orientation: 'landscape',
      },
      data: [heading],
    });
  } else {
    const open = sheets.at(-1);
    for (const row of told.rows) open?.data.push(row.map(cellOf));
  }
});
