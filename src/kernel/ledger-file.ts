import type { Detail, LedgerRecord } from './ledger-source.ts';
import { isHash } from './merkle.ts';
import { iso, parseInstant } from './time.ts';

/**
 * An exported ledger: JSON Lines, first what it is, then the entries in the order of their places, then the checkpoints.
 * An entry's bytes stand in `body` as they were hashed.
 */
export const LEDGER_FILE = 'countersign-ledger-1';

type Line =
  | { file: string; origin: string }
  | { checkpoint: string }
  | { seq: number; leaf: string; body: string | null; where: string; details?: Record<string, FileDetail> };
type FileDetail = { salt: string; text: string } | { erased: { at: string; by: string; basis: string } };

export function headLine(origin: string): string {
  return line({ file: LEDGER_FILE, origin });
}

export function checkpointLine(note: string): string {
  return line({ checkpoint: note });
}

/** @param record one that has a place */
export function recordLine(record: LedgerRecord & { seq: number }): string {
  const { seq, body, where, sequenced = '', details } = record;
  return line({
    seq,
    leaf: sequenced,
    body,
    where,
    ...(details?.size
      ? { details: Object.fromEntries([...details].map(([field, d]) => [field, fileDetail(d)])) }
      : {}),
  });
}

function fileDetail(detail: Detail): FileDetail {
  return 'erased' in detail
    ? { erased: { ...detail.erased, at: iso(detail.erased.at) } }
    : { salt: detail.salt.toString('hex'), text: detail.text };
}

function line(value: Line): string {
  return `${JSON.stringify(value)}\n`;
}

export type ReadLine = { head: string } | { checkpoint: string } | { record: LedgerRecord };

/** @param withDetails whether the file holds the committed texts: then one that is missing is a fault. @throws Error saying what is wrong */
export function readLine(text: string, withDetails: boolean): ReadLine {
  const value = JSON.parse(text) as Partial<Record<string, unknown>> | null;
  if (typeof value?.['checkpoint'] === 'string') return { checkpoint: value['checkpoint'] };
  if (value?.['file'] !== undefined) {
    if (value['file'] !== LEDGER_FILE) throw new Error(`a file of the form ${JSON.stringify(value['file'])}`);
    return { head: String(value['origin']) };
  }
  const { seq, leaf, body, where, details = {} } = value ?? {};
  if (
    !Number.isSafeInteger(seq) ||
    !(typeof body === 'string' || body === null) ||
    typeof details !== 'object'
  ) {
    throw new Error('neither an entry nor a checkpoint');
  }
  return {
    record: {
      seq: seq as number,
      body,
      where: typeof where === 'string' ? where : `line of place ${String(seq)}`,
      ...(isHash(leaf) ? { sequenced: leaf } : {}),
      ...(withDetails ? { details: readDetails(details as Record<string, FileDetail>) } : {}),
    },
  };
}

function readDetails(details: Record<string, FileDetail>): Map<string, Detail> {
  const read = new Map<string, Detail>();
  for (const [field, detail] of Object.entries(details)) {
    if ('erased' in detail) {
      const { at, by, basis } = detail.erased;
      read.set(field, { erased: { at: parseInstant(at) ?? Number.NaN, by, basis } });
    } else {
      read.set(field, { salt: Buffer.from(detail.salt, 'hex'), text: detail.text });
    }
  }
  return read;
}
