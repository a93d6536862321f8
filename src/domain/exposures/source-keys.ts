import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Secret } from '../../kernel/secret.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';

/** A key of a source as its row keeps it: where it is, never what it is. */
export interface KeyRef {
  id: Id;
  ref: StoredRef;
  addedAt: string;
}

export function keyBinding(sourceId: Id, keyId: Id): string {
  return `source:${sourceId}:key:${keyId}`;
}

export function apiTokenBinding(sourceId: Id): string {
  return `source:${sourceId}:api_token`;
}

const MOST_KEPT = 200;

/**
 * The keys of sources, opened once and kept in memory by their reference: a delivery must not wait for a store. A
 * reference never changes its value, and a retired one is not asked for any more.
 */
@Injectable()
export class SourceKeys {
  readonly #opened = new Map<StoredRef, Secret>();

  constructor(private readonly vault: Vault) {}

  async open(db: Db, sourceId: Id, refs: readonly KeyRef[]): Promise<Secret[]> {
    const keys: Secret[] = [];
    for (const { id, ref } of refs) {
      let key = this.#opened.get(ref);
      if (!key) {
        key = await this.vault.get(db, ref, keyBinding(sourceId, id));
        if (this.#opened.size >= MOST_KEPT) this.#opened.clear();
        this.#opened.set(ref, key);
      }
      keys.push(key);
    }
    return keys;
  }
}
