import type { Secret } from '../../kernel/secret.ts';
import type { Db } from '../database/transactions.ts';

/**
 * Where secrets are kept. Implemented under `plugins/stores/<key>/`, chosen by configuration, proven by
 * `test/contracts/store.contract.ts`.
 */
export interface Store {
  readonly key: string;
  /**
   * @param boundTo what the secret belongs to (`connection:<id>:client_secret`); a read under another binding fails.
   * @param db the caller's transaction: a store that keeps its values in our database joins it, others ignore it.
   */
  put(boundTo: string, value: Secret, db: Db): Promise<StoredRef>;
  /** Many at once, where the store can do that cheaper than one by one; references in the order of the entries. */
  putAll?(entries: readonly StoreEntry[], db: Db): Promise<StoredRef[]>;
  /** @throws Error when the reference is unknown, destroyed, or bound to something else. */
  get(ref: StoredRef, boundTo: string, db: Db): Promise<Secret>;
  /** Destroys the value for good. Destroying twice is destroying once. */
  destroy(ref: StoredRef, db: Db): Promise<void>;
}

export interface StoreEntry {
  boundTo: string;
  value: Secret;
}

/** Opaque: `sealed:<id>`. Fit for a database row and a log. */
export type StoredRef = string;
