import type { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../database/transactions.ts';

/**
 * Where secrets are kept. Implemented under `plugins/stores/<key>/`, chosen by configuration, proven by
 * `test/contracts/store.contract.ts`.
 */
export interface Store {
  readonly key: string;
  readonly title: string;
  readonly capabilities: StoreCapabilities;
  /**
   * @param boundTo what the secret belongs to (`connection:<id>:client_secret`); a read under another binding fails.
   * @param db the caller's transaction: a store that keeps its values in our database joins it, others ignore it.
   */
  put(boundTo: string, value: Secret, db: Db): Promise<StoredRef>;
  /** Many at once, where the store can do that cheaper than one by one; references in the order of the entries. */
  putAll?(entries: readonly StoreEntry[], db: Db): Promise<StoredRef[]>;
  /** @throws Error when the reference is unknown, destroyed, or bound to something else. */
  get(ref: StoredRef, boundTo: string, db: Db): Promise<Secret>;
  /** Many at once, where the store can do that cheaper than one by one; an error in the place of one that it does not give. */
  getAll?(wanted: readonly Wanted[], db: Db): Promise<(Secret | Error)[]>;
  /** Destroys the value for good. Destroying twice is destroying once. */
  destroy(ref: StoredRef, db: Db): Promise<void>;
}

/**
 * A store on another machine. It is never asked within a transaction: `KeptOutside` makes a store of it. Every call may
 * come again with the same arguments, and then does nothing more.
 */
export interface OutsideStore {
  readonly key: string;
  readonly title: string;
  readonly capabilities: StoreCapabilities;
  /** Bytes of the longest value that it takes; longer ones stay sealed here. */
  readonly longest: number;
  /** Keeps the value under this id, and beside it what it belongs to. @throws OutsideProblem */
  keep(id: string, entry: StoreEntry, call: OutsideCall): Promise<void>;
  /** @throws OutsideProblem */
  fetch(id: string, call: OutsideCall): Promise<StoreEntry>;
  /** Removes it with all its versions. @throws OutsideProblem */
  remove(id: string, call: OutsideCall): Promise<void>;
  /** What our own authentication is good for, where it ends by itself. @throws OutsideProblem */
  access?(call: OutsideCall): Promise<StoreAccess>;
  /** Prolongs it, as far as the store lets us. @throws OutsideProblem */
  renewAccess?(call: OutsideCall): Promise<StoreAccess>;
}

/** Our own authentication at a store. */
export interface StoreAccess {
  /** null: it does not end by itself. */
  endsAt: Millis | null;
  /** How long it was good for when it was made, or last prolonged. */
  lasts: Millis;
  renewable: boolean;
}

export interface OutsideCall {
  signal: AbortSignal;
  now(): Millis;
}

/** What a store outside answered instead of doing it, in our own words: no value, nothing of what it sent. */
export class OutsideProblem extends Error {
  override readonly name = 'OutsideProblem';
}

/** What a store can do, one sentence each, for whoever chooses one. */
export interface StoreCapabilities {
  /** Whether new secrets can go there. */
  writable: boolean;
  /** Keeps earlier values. */
  versioning: Capability;
  /** Records who read what. */
  retrievalAudit: Capability;
  /** Says who may read which secret. */
  granularPolicy: Capability;
  /** Changes a secret by itself, or calls somebody to. */
  rotationHooks: Capability;
}

export interface Capability {
  has: boolean;
  how: string;
}

/** A secret that is asked for, and what it must belong to. */
export interface Wanted {
  ref: StoredRef;
  boundTo: string;
}

export interface StoreEntry {
  boundTo: string;
  value: Secret;
}

/** Opaque: `sealed:<id>`. Fit for a database row and a log. */
export type StoredRef = string;
