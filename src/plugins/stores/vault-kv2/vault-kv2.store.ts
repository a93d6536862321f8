import type { Outbound } from '../../../platform/http/outbound.ts';
import type {
  OutsideCall,
  OutsideStore,
  StoreAccess,
  StoreCapabilities,
  StoreEntry,
} from '../../../platform/vault/store.ts';
import { askVault, type VaultAccess } from '../../vendors/vault/vault-client.ts';
import { acceptVault, jsonOf, lookupOwnToken, renewOwnToken } from '../../vendors/vault/own-token.ts';
import { documentOf, entryOf } from '../../vendors/stored-entry/entry-document.ts';

export interface VaultKvPlace extends VaultAccess {
  mount: string;
  /** Below the mount. */
  prefix: string;
}

/** A KV version 2 engine of Vault or OpenBao. Written from the documentation, not run against either product. */
export class VaultKvStore implements OutsideStore {
  readonly key = 'vault-kv2';
  readonly title = 'Vault or OpenBao, KV version 2';
  readonly longest = 300_000;
  readonly capabilities: StoreCapabilities = {
    writable: true,
    versioning: {
      has: true,
      how: 'each write is a version; Countersign writes each secret once, under an id of its own',
    },
    retrievalAudit: { has: true, how: 'an audit device of the server records each read' },
    granularPolicy: { has: true, how: 'policies of the server by path' },
    rotationHooks: { has: false, how: 'the engine keeps what it is given; rotation is Countersign’s' },
  };

  constructor(
    private readonly outbound: Outbound,
    private readonly place: VaultKvPlace,
  ) {}

  async keep(id: string, entry: StoreEntry, call: OutsideCall): Promise<void> {
    const json = { data: documentOf(entry) };
    const { signal } = call;
    const path = this.#path('data', id);
    const secrets = [entry.value];
    acceptVault(
      await askVault(this.outbound, this.place, { method: 'POST', path, json, signal, secrets }),
      [200, 204],
    );
  }

  async fetch(id: string, { signal }: OutsideCall): Promise<StoreEntry> {
    const path = this.#path('data', id);
    const body = acceptVault(
      await askVault(this.outbound, this.place, { method: 'GET', path, signal }),
      [200],
    );
    return entryOf((jsonOf(body) as { data?: { data?: unknown } } | null)?.data?.data);
  }

  async remove(id: string, { signal }: OutsideCall): Promise<void> {
    const path = this.#path('metadata', id);
    // 404: it is gone already.
    acceptVault(
      await askVault(this.outbound, this.place, { method: 'DELETE', path, signal }),
      [200, 204, 404],
    );
  }

  access(call: OutsideCall): Promise<StoreAccess> {
    return lookupOwnToken(this.outbound, this.place, call);
  }

  renewAccess(call: OutsideCall): Promise<StoreAccess> {
    return renewOwnToken(this.outbound, this.place, call);
  }

  #path(part: 'data' | 'metadata', id: string): string {
    return `${this.place.mount}/${part}/${this.place.prefix}/${id}`;
  }
}
