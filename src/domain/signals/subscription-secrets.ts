import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import type { StoredRef } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import type { SignatureKind, SigningKey } from './signature.rules.ts';

/** A signing key as its row keeps it: where it is, never what it is. */
export interface KeyRef {
  id: Id;
  kind: SignatureKind;
  ref: StoredRef;
  addedAt: string;
  /** null: until somebody retires it. */
  retiresAt: string | null;
  publicKey: string | null;
}

export const keyBinding = (subscriptionId: Id, keyId: Id) => `subscription:${subscriptionId}:key:${keyId}`;
export const urlBinding = (subscriptionId: Id) => `subscription:${subscriptionId}:url`;
export const authBinding = (subscriptionId: Id) => `subscription:${subscriptionId}:authorization`;

/** The keys that sign at an instant. */
export function signingNow(keys: readonly KeyRef[], now: Millis): KeyRef[] {
  return keys.filter(({ retiresAt }) => retiresAt === null || Date.parse(retiresAt) > now);
}

const MOST_KEPT = 1000;

/**
 * Addresses and keys of endpoints, opened once and kept in memory by their reference: a storm of messages must not become
 * one of questions to a store. A reference never changes its value.
 */
@Injectable()
export class SubscriptionSecrets {
  readonly #opened = new Map<StoredRef, Secret>();

  constructor(
    private readonly vault: Vault,
    private readonly transactions: Transactions,
  ) {}

  /** @param within the transaction in hand, or who asks: a transaction is opened then, where the value is not known yet */
  async open(within: Db | Principal, ref: StoredRef, boundTo: string): Promise<Secret> {
    const known = this.#opened.get(ref);
    if (known) return known;
    const secret =
      'correlationId' in within
        ? await this.transactions.run(within, (db) => this.vault.get(db, ref, boundTo))
        : await this.vault.get(within, ref, boundTo);
    if (this.#opened.size >= MOST_KEPT) this.#opened.clear();
    this.#opened.set(ref, secret);
    return secret;
  }

  async signingKeys(
    within: Db | Principal,
    subscriptionId: Id,
    refs: readonly KeyRef[],
    now: Millis,
  ): Promise<SigningKey[]> {
    const keys: SigningKey[] = [];
    for (const { id, kind, ref } of signingNow(refs, now))
      keys.push({ kind, key: await this.open(within, ref, keyBinding(subscriptionId, id)) });
    return keys;
  }
}
