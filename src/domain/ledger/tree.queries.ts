import {
  CompactRange,
  completeSubtrees,
  rootOfSubtrees,
  type Hash,
  type LeafRange,
} from '../../kernel/merkle.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** Subtree roots are kept at heights that are multiples of this; what lies between is computed from at most 128 of them. */
export const NODE_STEP = 8;

/** The tree as the sequencer goes on from it. */
export async function readHead(
  db: Db,
  lock: 'FOR UPDATE' | '' = '',
): Promise<{ range: CompactRange; lowWater: number }> {
  const [row] = await db.query<{ size: string; subtrees: string; low_water: string }[]>(
    `SELECT size, encode(subtrees, 'hex') AS subtrees, low_water FROM ledger_head ${lock}`,
  );
  if (!row) throw new Error('the ledger has lost its head row');
  const hashes = row.subtrees.match(/.{64}/g) ?? [];
  return { range: CompactRange.restore(Number(row.size), hashes), lowWater: Number(row.low_water) };
}

/**
 * The roots of ranges of leaves, from the stored subtree roots and leaves.
 *
 * @throws Error where the tree lacks what it should hold
 */
export async function rootsOfRanges(db: Db, ranges: readonly LeafRange[]): Promise<Hash[]> {
  const roots: Hash[] = [];
  for (const { from, to } of ranges) {
    const parts: Hash[] = [];
    for (const { height, index } of completeSubtrees(from, to)) {
      const stored = height - (height % NODE_STEP);
      const width = 2 ** (height - stored);
      parts.push(await rootOfStored(db, stored, index * width, width));
    }
    roots.push(rootOfSubtrees(parts));
  }
  return roots;
}

/** The root of the tree of the first `size` leaves. */
export async function rootAt(db: Db, size: number): Promise<Hash> {
  if (size === 0) return new CompactRange().root();
  const [root] = await rootsOfRanges(db, [{ from: 0, to: size }]);
  return root!;
}

async function rootOfStored(db: Db, height: number, from: number, width: number): Promise<Hash> {
  const rows =
    height === 0
      ? await db.query<{ hash: Hash }[]>(
          `SELECT encode(leaf_hash, 'hex') AS hash FROM ledger_leaf WHERE seq >= $1 AND seq < $2 ORDER BY seq`,
          [from, from + width],
        )
      : await db.query<{ hash: Hash }[]>(
          `SELECT encode(hash, 'hex') AS hash FROM ledger_node
            WHERE height = $1 AND position >= $2 AND position < $3 ORDER BY position`,
          [height, from, from + width],
        );
  if (rows.length !== width) {
    throw new Error(
      `the ledger's tree lacks nodes of height ${height} from ${from}: it needs to be verified`,
    );
  }
  return CompactRange.of(rows.map(({ hash }) => hash)).root();
}
