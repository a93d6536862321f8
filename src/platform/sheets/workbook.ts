import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SheetCell } from './csv.ts';

/** One sheet of a workbook. Its first row stays in sight, with so many of its first columns. */
export interface Sheet {
  /** At most 31 characters, none of `[ ] / \ : * ?`. */
  name: string;
  columns: readonly { title: string; width: number }[];
  fixedColumns?: number;
  /** In batches, so that whoever reads them holds one at a time. */
  rows: Iterable<Rows> | AsyncIterable<Rows>;
}
type Rows = readonly (readonly SheetCell[])[];

/** What the thread is told, in this order: a sheet, its rows, the next sheet …, `end`. */
export type ToThread = { sheet: Omit<Sheet, 'rows'> } | { rows: Rows } | 'end';

/** A spreadsheet can hold 1,048,576 rows; long before that a person is better served with CSV, which streams. */
const MOST_ROWS = 100_000;
const HEAP_MB = 512;

export class TooManyRows extends Error {
  constructor() {
    super(`a workbook holds at most ${MOST_ROWS} rows`);
  }
}

/**
 * An Office Open XML workbook (ECMA-376): text as text, numbers as numbers, dates as dates in UTC. It is put together and
 * packed in a thread of its own, so that a whole portfolio does not hold up whatever else the process does.
 *
 * @throws TooManyRows beyond 100,000 rows
 */
export async function workbook(sheets: readonly Sheet[]): Promise<Buffer> {
  const thread = new Worker(new URL(`./workbook.worker${extname(import.meta.url)}`, import.meta.url), {
    env: {}, // writing needs none of our settings
    execArgv: process.execArgv.filter((argument) => argument.startsWith('--import=')),
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  const packed = new Promise<Uint8Array>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread that writes a workbook ended without one')));
  });
  packed.catch(() => {}); // awaited below; a thread that dies while rows are still read is no unhandled rejection
  const tell = (what: ToThread) => thread.postMessage(what);
  try {
    let count = 0;
    for (const { rows, ...sheet } of sheets) {
      tell({ sheet });
      for await (const batch of rows) {
        count += batch.length;
        if (count > MOST_ROWS) throw new TooManyRows();
        tell({ rows: batch });
      }
    }
    tell('end');
    const bytes = await packed;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } finally {
    await thread.terminate();
  }
}
