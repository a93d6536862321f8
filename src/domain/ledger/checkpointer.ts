import { Injectable } from '@nestjs/common';
import {
  formatCheckpoint,
  openCheckpoint,
  parseVkey,
  signNote,
  type Verifier,
} from '../../kernel/checkpoint.ts';
import { newId } from '../../kernel/ids.ts';
import type { Hash, TreeHead } from '../../kernel/merkle.ts';
import { system } from '../../kernel/principal.ts';
import { expectOk } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Db, Transactions } from '../../platform/database/transactions.ts';
import type { LedgerSigner } from '../../platform/signing/keys.ts';
import type { CheckpointFolder } from './checkpoint-folder.ts';
import { readHead, rootAt } from './tree.queries.ts';

/** One signature at a time in all processes. */
const CHECKPOINT_LOCK = 4_100_111;
const COPIES_AT_ONCE = 1000;

/** The ledger in the database is not a continuation of what was signed: signing it would vouch for a rewritten history. */
export class LedgerForked extends Error {
  override readonly name = 'LedgerForked';
}

/**
 * Signs the tree when it grew, with a key that the database does not hold, and keeps a copy where the database does not
 * reach. Before it signs, it makes sure that the new tree continues the last one that it signed.
 */
@Injectable()
export class Checkpointer {
  readonly #verifiers: readonly Verifier[];

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly signer: LedgerSigner,
    private readonly folder: CheckpointFolder,
  ) {
    this.#verifiers = [expectOk(parseVkey(signer.vkey), 'our own verifier key')];
  }

  /**
   * @returns the size that was signed, or null when the tree had not grown or another process is at it
   * @throws LedgerForked when the tree is not what was signed before
   */
  async checkpoint(): Promise<number | null> {
    const by = system('checkpointer', newId());
    const outside = await this.folder.last();
    const signed = await this.transactions.run(by, (db) => this.#sign(db, outside));
    let after = outside?.size ?? -1;
    await this.folder.keepVkey(this.signer.vkey);
    for (;;) {
      const notes = await this.transactions.run(by, (db) =>
        db.query<{ size: string; note: string }[]>(
          `SELECT size, note FROM ledger_checkpoint WHERE size > $1 ORDER BY size LIMIT $2`,
          [after, COPIES_AT_ONCE],
        ),
      );
      await this.folder.append(
        notes.map(({ note }) => note),
        this.clock.now(),
      );
      if (notes.length < COPIES_AT_ONCE) return signed;
      after = Number(notes.at(-1)!.size);
    }
  }

  async #sign(db: Db, outside: TreeHead | null): Promise<number | null> {
    const [lock] = await db.query<{ mine: boolean }[]>(`SELECT pg_try_advisory_xact_lock($1) AS mine`, [
      CHECKPOINT_LOCK,
    ]);
    if (!lock!.mine) return null;
    // Whoever keeps the tree still for this moment is the sequencer's own row lock.
    const { range } = await readHead(db, 'FOR UPDATE');
    const [stored] = await db.query<{ size: string; root: Hash; note: string }[]>(
      `SELECT size, encode(root, 'hex') AS root, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1`,
    );
    if (stored && Number(stored.size) === range.size && (!outside || outside.size <= range.size)) {
      if (stored.root !== range.root()) throw forked(stored.root, 'stored');
      return null;
    }
    if (range.size === 0 && !outside) return null;
    if (stored) {
      const opened = openCheckpoint(stored.note, this.#verifiers);
      if (!opened.ok)
        throw new LedgerForked(
          `the stored checkpoint of ${stored.size} entries does not hold: ${opened.error}`,
        );
      await this.#mustContinue(db, range.size, opened.value, 'stored');
    }
    if (outside && !(stored && Number(stored.size) === outside.size && stored.root === outside.root))
      await this.#mustContinue(db, range.size, outside, 'outside');
    const root = range.root();
    if ((await rootAt(db, range.size)) !== root)
      throw new LedgerForked('the stored tree is not the one of its head row');
    const note = signNote(
      formatCheckpoint({ origin: this.signer.origin, size: range.size, root }),
      this.signer,
    );
    await db.query(
      `INSERT INTO ledger_checkpoint (size, root, note, signed_at) VALUES ($1, decode($2, 'hex'), $3, $4)`,
      [range.size, root, note, iso(this.clock.now())],
    );
    return range.size;
  }

  async #mustContinue(db: Db, size: number, earlier: TreeHead, whose: string): Promise<void> {
    if (earlier.size > size) {
      throw new LedgerForked(
        `the ledger holds ${size} entries and the ${whose} checkpoint vouches for ${earlier.size}: it was cut or restored from an older backup`,
      );
    }
    if ((await rootAt(db, earlier.size)) !== earlier.root) throw forked(earlier.root, whose);
  }
}

function forked(root: Hash, whose: string): LedgerForked {
  return new LedgerForked(
    `the ledger's tree is not the one with the root ${root} that the ${whose} checkpoint vouches for`,
  );
}
