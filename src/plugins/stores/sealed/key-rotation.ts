import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Id } from '../../../kernel/ids.ts';
import type { Principal } from '../../../kernel/principal.ts';
import { Clock } from '../../../platform/clock/clock.ts';
import { Transactions } from '../../../platform/database/transactions.ts';
import { Keys } from '../../../platform/signing/keys.ts';
import { LedgerService } from '../../../domain/ledger/ledger.service.ts';
import { SealedStore } from './sealed.store.ts';

/** One key-encryption key as an operator may see it: never the key. */
export interface KeyUse {
  /** Derived from the key; it stands beside everything that the key wraps. */
  id: string;
  /** The file or variable that holds it; null: it is not at hand, and what it wraps cannot be read. */
  where: string | null;
  current: boolean;
  /** Sealed values whose data keys it wraps. */
  values: number;
}

export interface Rotated {
  /** The current key. */
  id: string;
  /** A key was made by this call. False: an earlier rotation was brought to its end. */
  made: boolean;
  moved: number;
  /** Values whose data keys do not open: damaged, or wrapped by a key that is not at hand. */
  unreadable: Id[];
  keys: KeyUse[];
}

/** Values that are rewrapped in one transaction. */
const BATCH = 200;

/**
 * Changes the key-encryption key of the sealed store. The values themselves are not touched: only their data keys are
 * wrapped anew, batch by batch, each in a transaction of its own, so that a rotation that was killed goes on where it
 * stopped. Processes that run meanwhile read under the old key and the new, and seal under the new.
 */
@Injectable()
export class KeyRotation {
  constructor(
    private readonly transactions: Transactions,
    private readonly store: SealedStore,
    private readonly keys: Keys,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a new key current and moves everything to it; an earlier rotation that was cut short is finished instead.
   *
   * @param onBatch  told of each batch that is committed: values moved so far
   * @throws KeyProblem where the current key comes from the environment
   */
  async rotate(
    by: Principal,
    o: { batch?: number; onBatch?: (moved: number) => void } = {},
  ): Promise<Rotated> {
    if (await this.#cutShort(by)) return this.rewrap(by, o);
    const before = this.keys.keks()[0]?.id ?? '';
    const { id } = this.keys.makeKek();
    await this.#note(by, 'kek.made-current', id, { before });
    return { ...(await this.rewrap(by, o)), made: true };
  }

  /** Moves what older keys still wrap to the current one, and makes none. */
  async rewrap(
    by: Principal,
    o: { batch?: number; onBatch?: (moved: number) => void } = {},
  ): Promise<Rotated> {
    const [current] = this.keys.keks();
    if (!current) throw new Error('there is no key-encryption key');
    let moved = 0;
    const unreadable = new Set<Id>();
    for (let pass = 1; ; pass++) {
      let movedNow = 0;
      let after: Id | null = null;
      do {
        const batch = await this.transactions.run(by, (db) => this.store.rewrap(db, after, o.batch ?? BATCH));
        for (const id of batch.unreadable) unreadable.add(id);
        movedNow += batch.moved;
        after = batch.last;
        if (batch.moved > 0) o.onBatch?.(moved + movedNow);
      } while (after !== null);
      moved += movedNow;
      // Whoever sealed under the old key just before it became old may only now have committed.
      const left = await this.#left(by, current.id);
      if (left <= unreadable.size || pass === MOST_PASSES) break;
    }
    await this.#note(by, 'kek.rotation-finished', current.id, { moved, unreadable: unreadable.size });
    return { id: current.id, made: false, moved, unreadable: [...unreadable], keys: await this.uses(by) };
  }

  /** Every key that is at hand or in use, the current one first. */
  async uses(by: Principal): Promise<KeyUse[]> {
    const wraps = await this.transactions.run(by, (db) => this.store.uses(db, false));
    const kept = this.keys.keks();
    const absent = [...wraps.keys()].filter((id) => !kept.some((key) => key.id === id));
    return [
      ...kept.map(({ id, where }, at) => ({ id, where, current: at === 0, values: wraps.get(id) ?? 0 })),
      ...absent.map((id) => ({ id, where: null, current: false, values: wraps.get(id) ?? 0 })),
    ];
  }

  async #left(by: Principal, current: string): Promise<number> {
    const wraps = await this.transactions.run(by, (db) => this.store.uses(db, true));
    return [...wraps].reduce((sum, [id, values]) => sum + (id === current ? 0 : values), 0);
  }

  /** Whether the current key was made by a rotation that did not come to its end. */
  async #cutShort(by: Principal): Promise<boolean> {
    const kept = this.keys.keks();
    const [current] = kept;
    if (!current) return false;
    const kinds = await this.transactions.run(by, (db) =>
      db.query<{ kind: string }[]>(
        `SELECT kind FROM ledger_entry WHERE subject_id = $1 ORDER BY n DESC LIMIT 1`,
        [subjectOf(current.id)],
      ),
    );
    if (kinds.length > 0) return kinds[0]?.kind === 'kek.made-current';
    // Killed between the file and the record of it: nothing is known of the newest key, and older ones hold everything.
    const uses = await this.uses(by);
    return kept.length > 1 && uses.some((use) => !use.current && use.where !== null && use.values > 0);
  }

  async #note(
    by: Principal,
    kind: string,
    kekId: string,
    facts: Record<string, string | number>,
  ): Promise<void> {
    await this.transactions.run(by, (db) =>
      this.ledger.append(db, {
        kind,
        subject: { kind: 'kek', id: subjectOf(kekId) },
        by,
        at: this.clock.now(),
        facts: { kekId, ...facts },
      }),
    );
  }
}

/** Sealing goes on while keys are rotated; each pass finds less. */
const MOST_PASSES = 5;

/** A key's id as the ledger wants ids: a UUID of version 8 (RFC 9562 section 5.8), the same for the same key. */
function subjectOf(kekId: string): Id {
  const hash = createHash('sha256').update(`countersign kek ${kekId}`).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
