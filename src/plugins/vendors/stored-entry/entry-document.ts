import { Secret } from '../../../kernel/secret.ts';
import { OutsideProblem, type StoreEntry } from '../../../platform/vault/store.ts';

/** How a secret stands in a store outside: the bytes in base64, and what they belong to. */
export interface EntryDocument {
  value: string;
  bound_to: string;
}

export function documentOf(entry: StoreEntry): EntryDocument {
  return { value: entry.value.useBytes((bytes) => bytes.toString('base64')), bound_to: entry.boundTo };
}

/** @throws OutsideProblem when it is no such document */
export function entryOf(document: unknown): StoreEntry {
  const { value, bound_to: boundTo } = (document ?? {}) as Partial<Record<string, unknown>>;
  if (typeof value !== 'string' || typeof boundTo !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw new OutsideProblem('what it keeps is not what was put there');
  return { value: Secret.ofBytes(Buffer.from(value, 'base64')), boundTo };
}
