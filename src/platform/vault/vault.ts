import type { Secret } from '../../kernel/secret.ts';
import { StepAside, type Db } from '../database/transactions.ts';
import type { Store, StoreEntry, StoredRef, Wanted } from './store.ts';

/** The store of our own database. */
const HERE = 'sealed:';

/**
 * Secrets by reference, whatever store they are in. The reference begins with its store's key; new secrets go to the
 * store that the installation chose.
 */
export class Vault {
  readonly #stores: ReadonlyMap<string, Store>;

  /** @throws Error when two stores have one key, or the chosen one is not among them. */
  constructor(
    stores: readonly Store[],
    private readonly writesTo: string,
  ) {
    this.#stores = new Map(stores.map((store) => [store.key, store]));
    if (this.#stores.size !== stores.length) throw new Error('two secret stores have the same key');
    const chosen = this.#stores.get(writesTo);
    if (!chosen) throw new Error(`there is no secret store ${writesTo}`);
    if (!chosen.capabilities.writable) throw new Error(`the secret store ${writesTo} is read-only`);
  }

  /** @param boundTo what the secret belongs to: `connection:<id>:client_secret`. */
  put(db: Db, boundTo: string, value: Secret): Promise<StoredRef> {
    return this.#store(`${this.writesTo}:`).put(boundTo, value, db);
  }

  /** Keeps working papers that are long or gone within seconds: always in our own database, sealed. */
  putHere(db: Db, boundTo: string, value: Secret): Promise<StoredRef> {
    return this.#store(HERE).put(boundTo, value, db);
  }

  /** Many at once. @returns their references, in the same order. */
  async putAll(db: Db, entries: readonly StoreEntry[]): Promise<StoredRef[]> {
    if (entries.length === 0) return [];
    const store = this.#store(`${this.writesTo}:`);
    if (store.putAll) return store.putAll(entries, db);
    const refs: StoredRef[] = [];
    for (const { boundTo, value } of entries) refs.push(await store.put(boundTo, value, db));
    return refs;
  }

  /** @throws Error when the reference is unknown, destroyed, or bound to something else. */
  get(db: Db, ref: StoredRef, boundTo: string): Promise<Secret> {
    return this.#store(ref).get(ref, boundTo, db);
  }

  /**
   * Many at once, from whatever stores they are in.
   *
   * @returns in the same order; an error in the place of one that could not be read
   * @throws StepAside when one of them has to be fetched first
   */
  async getAll(db: Db, wanted: readonly Wanted[]): Promise<(Secret | Error)[]> {
    const found = new Map<Wanted, Secret | Error>();
    for (const key of new Set(wanted.map(({ ref }) => keyOf(ref)))) {
      const some = wanted.filter(({ ref }) => keyOf(ref) === key);
      const store = this.#store(`${key}:`);
      const given = store.getAll ? await store.getAll(some, db) : await eachOf(store, some, db);
      for (const [at, one] of some.entries()) found.set(one, given[at]!);
    }
    return wanted.map((one) => found.get(one)!);
  }

  destroy(db: Db, ref: StoredRef): Promise<void> {
    return this.#store(ref).destroy(ref, db);
  }

  /** Whether destroying it is ours to do: what an operator put into a read-only store is theirs to take away. */
  mayDestroy(ref: StoredRef): boolean {
    return this.#stores.get(keyOf(ref))?.capabilities.writable === true;
  }

  /** Every store that is set up, the one that new secrets go to first. */
  stores(): Store[] {
    const chosen = this.#store(`${this.writesTo}:`);
    return [chosen, ...[...this.#stores.values()].filter((one) => one !== chosen)];
  }

  /** Whether some store here could hold it; says nothing about whether it does. */
  knows(ref: StoredRef): boolean {
    return this.#stores.has(keyOf(ref));
  }

  #store(ref: StoredRef): Store {
    const store = this.#stores.get(keyOf(ref));
    if (!store) throw new Error(`no secret store is known for the reference ${keyOf(ref)}:…`);
    return store;
  }
}

async function eachOf(store: Store, wanted: readonly Wanted[], db: Db): Promise<(Secret | Error)[]> {
  const found: (Secret | Error)[] = [];
  for (const { ref, boundTo } of wanted) {
    try {
      found.push(await store.get(ref, boundTo, db));
    } catch (thrown) {
      if (thrown instanceof StepAside || !(thrown instanceof Error)) throw thrown;
      found.push(thrown);
    }
  }
  return found;
}

function keyOf(ref: StoredRef): string {
  return ref.slice(0, Math.max(0, ref.indexOf(':')));
}
