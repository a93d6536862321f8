import { Injectable } from '@nestjs/common';
import { errorText } from '../../../kernel/errors.ts';
import { newId, type Id } from '../../../kernel/ids.ts';
import type { Principal } from '../../../kernel/principal.ts';
import { LedgerService } from '../../../domain/ledger/ledger.service.ts';
import { Clock } from '../../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../../platform/database/transactions.ts';
import { KeptOutside } from '../../../platform/vault/kept-outside.ts';
import type { StoredRef } from '../../../platform/vault/store.ts';
import { Vault } from '../../../platform/vault/vault.ts';

/** A column that says where secrets are kept. */
interface Holder {
  table: string;
  column: string;
  /** Anything within a document that has the form of a reference. */
  document: boolean;
}

/**
 * Columns that are named as such and hold other things: what is gone within seconds and stays where it is (reports that
 * wait to be matched), what waits to be brought outside, and words of others.
 */
export const OTHERWISE: readonly string[] = [
  'exposure.external_ref',
  'exposure_batch.reports_ref',
  'exposure_batch.values_ref',
  'outside_secret.sealed_ref',
];

/** By the house's way of naming them: a column that ends in `_ref` or `_refs` holds references to secrets. */
export function holdersIn(db: Db): Promise<Holder[]> {
  return db.query(
    `SELECT c.relname AS table, a.attname AS column, t.typname = 'jsonb' AS document
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' JOIN pg_type t ON t.oid = a.atttypid
      WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~ '_refs?$'
        AND t.typname IN ('text', 'jsonb') AND NOT c.relname || '.' || a.attname = ANY($1)
        AND has_column_privilege(c.oid, a.attnum, 'UPDATE') ORDER BY 1, 2`,
    [OTHERWISE],
  );
}

/** One store as an operator may see it: never a value. */
export interface StoreShare {
  store: string;
  /** New secrets go there. */
  chosen: boolean;
  /** false: it is not set up, and what it keeps cannot be read. */
  setUp: boolean;
  /** An operator puts secrets there and takes them away; nothing of it is moved. */
  readOnly: boolean;
  secrets: number;
}

export interface Moved {
  to: string;
  moved: number;
  /** Longer than the chosen store takes: they stay sealed here. */
  tooLong: number;
  /** Could not be read, with the reason; they stay where they are. */
  failed: { ref: StoredRef; why: string }[];
  /** Sealed here until the store outside has taken them. */
  onTheWay: number;
  stores: StoreShare[];
}

const BATCH = 100;
const MOST_FAILURES_SHOWN = 50;
const FORM = '^[a-z0-9-]+:[0-9a-f-]{36}$';

/** SQL: every reference that is held anywhere, as `ref`. */
function refsOf(holders: readonly Holder[]): string {
  return holders
    .map(({ table, column, document }) =>
      document
        ? `SELECT jsonb_path_query("${column}", '$.** ? (@.type() == "string" && @ like_regex "${FORM}")') #>> '{}' AS ref FROM "${table}"`
        : `SELECT "${column}" AS ref FROM "${table}" WHERE "${column}" ~ '${FORM}'`,
    )
    .join(' UNION ALL ');
}

/** Nothing to do for this one; its transaction is taken back. */
class Stays extends Error {}

/**
 * Brings what other stores keep to the chosen one. Each secret in a transaction of its own: put there, its reference
 * changed wherever it stands, destroyed where it was. Killed, it goes on with what is left; run again, it finds nothing.
 */
@Injectable()
export class StoreMove {
  constructor(
    private readonly transactions: Transactions,
    private readonly vault: Vault,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** How many secrets each store keeps, the chosen one first. */
  async status(by: Principal): Promise<StoreShare[]> {
    const rows = await this.transactions.run(by, async (db) =>
      db.query<{ store: string; secrets: number }[]>(
        `SELECT split_part(ref, ':', 1) AS store, count(DISTINCT ref)::int AS secrets FROM (${refsOf(await holdersIn(db))}) r GROUP BY 1 ORDER BY 1`,
      ),
    );
    const stores = this.vault.stores();
    const known = stores.map(({ key, capabilities }, at) => ({
      store: key,
      chosen: at === 0,
      setUp: true,
      readOnly: !capabilities.writable,
      secrets: rows.find(({ store }) => store === key)?.secrets ?? 0,
    }));
    const others = rows.filter(({ store }) => !stores.some(({ key }) => key === store));
    return [...known, ...others.map((row) => ({ ...row, chosen: false, setUp: false, readOnly: false }))];
  }

  /** @param onBatch told how many were moved so far */
  async move(by: Principal, o: { batch?: number; onBatch?: (moved: number) => void } = {}): Promise<Moved> {
    const [chosen] = this.vault.stores();
    const to = chosen!.key;
    const moveId = newId();
    let [moved, tooLong] = [0, 0];
    const failed: Moved['failed'] = [];
    await this.#note(by, 'store.move-started', moveId, { to });
    for (let after = ''; ;) {
      const refs = await this.#next(by, to, after, o.batch ?? BATCH);
      for (const ref of refs) {
        try {
          if (await this.transactions.run(by, (db) => this.#one(db, ref, to))) moved++;
        } catch (thrown) {
          if (thrown instanceof Stays) tooLong++;
          else failed.push({ ref, why: errorText(thrown).slice(0, 300) });
        }
      }
      if (refs.length === 0) break;
      after = refs.at(-1)!;
      o.onBatch?.(moved);
      await this.#bring(by);
    }
    await this.#note(by, 'store.moved', moveId, { to, moved, tooLong, failed: failed.length });
    const [waiting] = await this.transactions.run(by, (db) =>
      db.query<{ count: number }[]>(
        `SELECT count(*)::int AS count FROM outside_secret WHERE sealed_ref IS NOT NULL AND destroy_at IS NULL`,
      ),
    );
    return {
      to,
      moved,
      tooLong,
      failed: failed.slice(0, MOST_FAILURES_SHOWN),
      onTheWay: waiting?.count ?? 0,
      stores: await this.status(by),
    };
  }

  async #next(by: Principal, to: string, after: StoredRef, limit: number): Promise<StoredRef[]> {
    const movable = this.vault
      .stores()
      .filter(({ key, capabilities }) => key !== to && capabilities.writable)
      .map(({ key }) => key);
    const rows = await this.transactions.run(by, async (db) =>
      db.query<{ ref: StoredRef }[]>(
        `SELECT DISTINCT ref FROM (${refsOf(await holdersIn(db))}) r WHERE ref > $1 AND split_part(ref, ':', 1) = ANY($2) ORDER BY ref LIMIT $3`,
        [after, movable, limit],
      ),
    );
    return rows.map(({ ref }) => ref);
  }

  /** @returns whether it was moved; false: nobody holds it any more */
  async #one(db: Db, ref: StoredRef, to: string): Promise<boolean> {
    // Held first: whoever destroys or replaces it comes before or after, and never finds it half moved.
    const held: Holder[] = [];
    for (const holder of await holdersIn(db)) {
      const rows = await db.query<object[]>(
        `SELECT FROM "${holder.table}" WHERE ${holds(holder)} FOR NO KEY UPDATE`,
        [quoted(holder, ref)],
      );
      if (rows.length > 0) held.push(holder);
    }
    if (held.length === 0) return false;
    const boundTo = await bindingOf(db, ref);
    const value = await this.vault.get(db, ref, boundTo);
    try {
      const next = await this.vault.put(db, boundTo, value);
      if (!next.startsWith(`${to}:`)) throw new Stays();
      for (const holder of held)
        await db.query(
          !holder.document
            ? `UPDATE "${holder.table}" SET "${holder.column}" = $2 WHERE ${holds(holder)}`
            : `UPDATE "${holder.table}" SET "${holder.column}" = replace("${holder.column}"::text, $1, $2)::jsonb WHERE ${holds(holder)}`,
          [quoted(holder, ref), quoted(holder, next)],
        );
    } finally {
      value.wipe();
    }
    await this.vault.destroy(db, ref);
    return true;
  }

  /** What was moved to a store outside is brought there at once, and not only by the next sweep. */
  async #bring(by: Principal): Promise<void> {
    for (const store of this.vault.stores())
      if (store instanceof KeptOutside) await store.bring(this.transactions, by);
  }

  #note(by: Principal, kind: string, id: Id, facts: Record<string, string | number>): Promise<void> {
    return this.transactions.run(by, (db) =>
      this.ledger.append(db, { kind, subject: { kind: 'store_move', id }, by, at: this.clock.now(), facts }),
    );
  }
}

function holds({ column, document }: Holder): string {
  return document ? `position($1 in "${column}"::text) > 0` : `"${column}" = $1`;
}

/** As it stands in the column: references hold no character that JSON would write otherwise. */
function quoted({ document }: Holder, ref: StoredRef): string {
  return document ? `"${ref}"` : ref;
}

/** What a secret belongs to, as its row says; that it opens under no other name is the store's to see to. */
async function bindingOf(db: Db, ref: StoredRef): Promise<string> {
  const [store, id] = [ref.slice(0, ref.indexOf(':')), ref.slice(ref.indexOf(':') + 1)];
  const [row] = await db.query<{ bound_to: string }[]>(
    store === 'sealed'
      ? `SELECT bound_to FROM sealed_secret WHERE id = $1::uuid`
      : `SELECT bound_to FROM outside_secret WHERE id = $1::uuid AND store = $2`,
    store === 'sealed' ? [id] : [id, store],
  );
  if (!row) throw new Error('nothing is known of it');
  return row.bound_to;
}
