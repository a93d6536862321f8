import { isId, newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Secret } from '../../kernel/secret.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import type { Clock } from '../clock/clock.ts';
import { StepAside, type Db, type Transactions } from '../database/transactions.ts';
import type {
  OutsideCall,
  OutsideStore,
  Store,
  StoreAccess,
  StoreCapabilities,
  StoredRef,
  StoreEntry,
} from './store.ts';

/** For one call to a store. */
const TIMEOUT = 15 * SECOND;
/** How long a value that was fetched may serve, and a failure to fetch it. */
const SERVES = 30 * SECOND;
const FAILURE_SERVES = 5 * SECOND;
const MOST_HELD = 500;
const BATCH = 50;
/** Of a batch, asked for together. */
const AT_ONCE = 4;

type Held = { until: Millis; value: Secret; boundTo: string } | { until: Millis; problem: string };

interface Row {
  id: Id;
  bound_to: string;
  sealed_ref: StoredRef | null;
  destroy_at: Date | null;
}

/**
 * A store outside, as the rest of the house uses stores: within transactions, although no transaction waits for a network.
 *
 * A new value is sealed here in its writer's transaction, so that both are stored or neither; a sweep brings it outside and
 * destroys the sealed one. A value that is wanted within a transaction and is not at hand makes the transaction step
 * aside: it is rolled back, the value is fetched, and the work runs again. Destroying counts from its transaction; the
 * sweep removes the value outside. References: `<store>:<row id>`.
 */
export class KeptOutside implements Store {
  readonly key: string;
  readonly title: string;
  readonly capabilities: StoreCapabilities;
  readonly #held = new Map<Id, Held>();
  readonly #fetching = new Map<Id, Promise<void>>();

  /** @param sealed where values wait until they are outside */
  constructor(
    private readonly outside: OutsideStore,
    private readonly sealed: Store,
    private readonly clock: Clock,
  ) {
    this.key = outside.key;
    this.title = outside.title;
    this.capabilities = outside.capabilities;
  }

  async put(boundTo: string, value: Secret, db: Db): Promise<StoredRef> {
    if (!this.#fits(value)) return this.sealed.put(boundTo, value, db);
    const id = newId();
    const sealedRef = await this.sealed.put(waiting(id, boundTo), value, db);
    await db.query(
      `INSERT INTO outside_secret (id, store, bound_to, sealed_ref, created_at) VALUES ($1, $2, $3, $4, $5)`,
      [id, this.key, boundTo, sealedRef, this.clock.date()],
    );
    return `${this.key}:${id}`;
  }

  async putAll(entries: readonly StoreEntry[], db: Db): Promise<StoredRef[]> {
    const rows = entries.map((entry) => ({ ...entry, id: newId(), fits: this.#fits(entry.value) }));
    const sealed = await this.#sealAll(
      rows.map(({ id, boundTo, value, fits }) => ({ boundTo: fits ? waiting(id, boundTo) : boundTo, value })),
      db,
    );
    const outside = rows.flatMap((row, n) => (row.fits ? [{ ...row, sealedRef: sealed[n] }] : []));
    await db.query(
      `INSERT INTO outside_secret (id, store, bound_to, sealed_ref, created_at)
       SELECT r.id, $1, r.bound_to, r.sealed_ref, $2 FROM unnest($3::uuid[], $4::text[], $5::text[]) AS r(id, bound_to, sealed_ref)`,
      [
        this.key,
        this.clock.date(),
        outside.map((row) => row.id),
        outside.map((row) => row.boundTo),
        outside.map((row) => row.sealedRef),
      ],
    );
    return rows.map((row, n) => (row.fits ? `${this.key}:${row.id}` : sealed[n]!));
  }

  async get(ref: StoredRef, boundTo: string, db: Db): Promise<Secret> {
    const id = this.#idOf(ref);
    const [row] = await db.query<Row[]>(
      `SELECT id, bound_to, sealed_ref, destroy_at FROM outside_secret WHERE id = $1 AND store = $2`,
      [id, this.key],
    );
    if (!row) throw new Error(`no secret ${id} in the store ${this.key}`);
    if (row.destroy_at !== null) throw new Error(`the secret ${id} was destroyed`);
    if (row.bound_to !== boundTo) throw new Error(`the secret ${id} belongs to something else`);
    if (row.sealed_ref !== null) return this.sealed.get(row.sealed_ref, waiting(id, boundTo), db);
    const held = this.#held.get(id);
    if (!held || held.until <= this.clock.now()) throw new StepAside(() => this.#fetchOnce(id));
    if ('problem' in held) throw new Error(`the store ${this.key} did not give it: ${held.problem}`);
    // The row may have been written to by somebody else: what the store says counts as well.
    if (held.boundTo !== bound(id, boundTo)) throw new Error(`the secret ${id} belongs to something else`);
    return copyOf(held.value);
  }

  async destroy(ref: StoredRef, db: Db): Promise<void> {
    const id = this.#idOf(ref);
    const [row] = await db.query<(Row & { tried_at: Date | null })[]>(
      `SELECT id, bound_to, sealed_ref, destroy_at, tried_at FROM outside_secret WHERE id = $1 AND store = $2 FOR UPDATE`,
      [id, this.key],
    );
    if (!row) throw new Error(`no secret ${id} in the store ${this.key}`);
    if (row.destroy_at !== null) return;
    if (row.sealed_ref !== null) await this.sealed.destroy(row.sealed_ref, db);
    // What never left the house needs not be removed outside.
    await db.query(
      `UPDATE outside_secret SET sealed_ref = NULL, destroy_at = $2, destroyed_at = CASE WHEN tried_at IS NULL THEN $2::timestamptz END
        WHERE id = $1`,
      [id, this.clock.date()],
    );
    this.#forget(id);
  }

  /** What our own authentication there is good for; null: it does not end by itself, as far as anybody knows. */
  async access(): Promise<StoreAccess | null> {
    return this.outside.access ? this.outside.access(this.#call()) : null;
  }

  /** Prolongs our own authentication. */
  async renewAccess(): Promise<StoreAccess | null> {
    return this.outside.renewAccess ? this.outside.renewAccess(this.#call()) : null;
  }

  /**
   * Brings outside what waits here, and removes there what was destroyed. Each secret by itself: one that fails does not
   * hold up the others, and is tried again in the next round.
   *
   * @returns how many of each came to their end
   */
  async bring(transactions: Transactions, by: Principal): Promise<{ kept: number; removed: number }> {
    const done = { kept: 0, removed: 0 };
    for (let after: Id | null = null; ;) {
      const ids: Id[] = await this.#next(transactions, by, after);
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        const some = ids.slice(at, at + AT_ONCE);
        const ends = await Promise.all(some.map((id) => this.#bringOne(transactions, by, id)));
        for (const what of ends) if (what) done[what]++;
      }
      after = ids.at(-1) ?? null;
      if (ids.length < BATCH) return done;
    }
  }

  async #next(transactions: Transactions, by: Principal, after: Id | null): Promise<Id[]> {
    const rows = await transactions.run(by, (db) =>
      db.query<{ id: Id }[]>(
        `SELECT id FROM outside_secret
          WHERE store = $1 AND ($2::uuid IS NULL OR id > $2)
            AND (sealed_ref IS NOT NULL OR (destroy_at IS NOT NULL AND destroyed_at IS NULL)) ORDER BY id LIMIT $3`,
        [this.key, after, BATCH],
      ),
    );
    return rows.map((row) => row.id);
  }

  async #bringOne(transactions: Transactions, by: Principal, id: Id): Promise<'kept' | 'removed' | null> {
    const start = await transactions.run(by, async (db) => {
      const row = await this.#lock(db, id);
      if (!row) return null;
      // Committed before the first byte leaves: a destroy that comes meanwhile knows that there may be something outside.
      await db.query(`UPDATE outside_secret SET tried_at = coalesce(tried_at, $2) WHERE id = $1`, [
        id,
        this.clock.date(),
      ]);
      if (row.sealed_ref === null) return { row, value: null };
      return { row, value: await this.sealed.get(row.sealed_ref, waiting(id, row.bound_to), db) };
    });
    if (!start) return null;
    const { row, value } = start;
    if (!value && row.destroy_at === null) return null;
    try {
      if (value) await this.outside.keep(id, { boundTo: bound(id, row.bound_to), value }, this.#call());
      else await this.outside.remove(id, this.#call());
    } catch (error) {
      const problem = (error instanceof Error ? error.message : 'no reason given').slice(0, 500);
      await transactions.run(by, (db) =>
        db.query(`UPDATE outside_secret SET problem = $2 WHERE id = $1`, [id, problem]),
      );
      return null;
    } finally {
      value?.wipe();
    }
    return transactions.run(by, async (db) => {
      const now = this.clock.date();
      const last = await this.#lock(db, id);
      if (!value) {
        await db.query(`UPDATE outside_secret SET destroyed_at = $2, problem = NULL WHERE id = $1`, [
          id,
          now,
        ]);
        return 'removed';
      }
      // Destroyed meanwhile: the next round removes what has just been kept.
      if (last?.sealed_ref == null) return null;
      await this.sealed.destroy(last.sealed_ref, db);
      await db.query(
        `UPDATE outside_secret SET sealed_ref = NULL, kept_at = $2, problem = NULL WHERE id = $1`,
        [id, now],
      );
      return 'kept';
    });
  }

  async #lock(db: Db, id: Id): Promise<Row | undefined> {
    const [row] = await db.query<Row[]>(
      `SELECT id, bound_to, sealed_ref, destroy_at FROM outside_secret WHERE id = $1 FOR UPDATE`,
      [id],
    );
    return row;
  }

  #fits(value: Secret): boolean {
    return value.useBytes((bytes) => bytes.length) <= this.outside.longest;
  }

  async #sealAll(entries: readonly StoreEntry[], db: Db): Promise<StoredRef[]> {
    if (this.sealed.putAll) return this.sealed.putAll(entries, db);
    const refs: StoredRef[] = [];
    for (const { boundTo, value } of entries) refs.push(await this.sealed.put(boundTo, value, db));
    return refs;
  }

  /** Many transactions that want the same value wait for one answer. */
  #fetchOnce(id: Id): Promise<void> {
    const held = this.#held.get(id);
    // It came while this transaction was being rolled back.
    if (held && held.until > this.clock.now()) return Promise.resolve();
    const running = this.#fetching.get(id) ?? this.#fetch(id).finally(() => this.#fetching.delete(id));
    this.#fetching.set(id, running);
    return running;
  }

  async #fetch(id: Id): Promise<void> {
    let held: Held;
    try {
      const { value, boundTo } = await this.outside.fetch(id, this.#call());
      held = { until: this.clock.now() + SERVES, value, boundTo };
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'no reason given';
      held = { until: this.clock.now() + FAILURE_SERVES, problem };
    }
    this.#forget(id);
    const now = this.clock.now();
    for (const [one, { until }] of this.#held) if (until <= now) this.#forget(one);
    const oldest = this.#held.keys().next();
    if (this.#held.size >= MOST_HELD && !oldest.done) this.#forget(oldest.value);
    this.#held.set(id, held);
  }

  #forget(id: Id): void {
    const held = this.#held.get(id);
    if (held && 'value' in held) held.value.wipe();
    this.#held.delete(id);
  }

  #call(): OutsideCall {
    return { signal: AbortSignal.timeout(TIMEOUT), now: () => this.clock.now() };
  }

  #idOf(ref: StoredRef): Id {
    const id = ref.slice(this.key.length + 1);
    if (!ref.startsWith(`${this.key}:`) || !isId(id))
      throw new Error(`the reference is not one of the store ${this.key}`);
    return id;
  }
}

/** What a sealed value that waits belongs to: of no use under its owner's own name. */
function waiting(id: Id, boundTo: string): string {
  return `outside_secret:${id}:${boundTo}`;
}

/** What stands beside the value outside: another row's value, put under this id by somebody, does not pass. */
function bound(id: Id, boundTo: string): string {
  return `${id}:${boundTo}`;
}

/** Whoever asked may wipe what it got. */
function copyOf(value: Secret): Secret {
  return value.useBytes((bytes) => Secret.ofBytes(Buffer.from(bytes)));
}
