import type { Hash } from './merkle.ts';
import type { Millis } from './time.ts';

/** Where a ledger is read from: our database, or an exported file. */
export interface LedgerSource {
  /** Pages in the order of `seq`, then those that are not sequenced yet. */
  entries(): AsyncIterable<readonly LedgerRecord[]>;
  /** The stored checkpoints, smallest first. */
  checkpoints(): AsyncIterable<string>;
  /** What the sequencer would go on from, where the source holds it. */
  head?(): Promise<{ size: number; root: Hash }>;
}

export interface LedgerRecord {
  /** The place in the tree, from 0. Null: written, and not sequenced yet. */
  seq: number | null;
  /** Null: the place is taken by an entry that is gone. */
  body: string | null;
  /** For an entry that is gone, where it stood in the source: to name it by. */
  where: string;
  /** The hash that the sequencer put into the tree. */
  sequenced?: Hash;
  /** The hash kept with the entry itself. */
  stored?: Hash;
  /** What the source's own columns say; must agree with the text. */
  columns?: { id: string; kind: string; subjectKind: string; subjectId: string; at: Millis };
  /** Absent: the source keeps the texts back. */
  details?: ReadonlyMap<string, Detail>;
  /** Behind the point that the sequencer has finished: an entry that turns up there unsequenced was put in later. */
  late?: boolean;
}

export type Detail = { salt: Buffer; text: string } | Erased;
export interface Erased {
  erased: { at: Millis; by: string; basis: string };
}
