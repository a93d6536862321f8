import { SECOND } from '../../../kernel/time.ts';
import type { Outbound, OutboundAnswer } from '../../../platform/http/outbound.ts';
import {
  OutsideProblem,
  type OutsideCall,
  type OutsideStore,
  type StoreAccess,
  type StoreCapabilities,
  type StoreEntry,
} from '../../../platform/vault/store.ts';
import { askVault, type VaultAccess } from '../../vendors/vault/vault-client.ts';
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
    accept(
      await askVault(this.outbound, this.place, { method: 'POST', path, json, signal, secrets }),
      [200, 204],
    );
  }

  async fetch(id: string, { signal }: OutsideCall): Promise<StoreEntry> {
    const path = this.#path('data', id);
    const body = accept(await askVault(this.outbound, this.place, { method: 'GET', path, signal }), [200]);
    return entryOf((jsonOf(body) as { data?: { data?: unknown } } | null)?.data?.data);
  }

  async remove(id: string, { signal }: OutsideCall): Promise<void> {
    const path = this.#path('metadata', id);
    // 404: it is gone already.
    accept(await askVault(this.outbound, this.place, { method: 'DELETE', path, signal }), [200, 204, 404]);
  }

  /** `auth/token/lookup-self`: allowed to every token by the default policy. A `ttl` of 0 never ends. */
  async access(call: OutsideCall): Promise<StoreAccess> {
    const path = 'auth/token/lookup-self';
    const answer = await askVault(this.outbound, this.place, { method: 'GET', path, signal: call.signal });
    const {
      ttl,
      creation_ttl: creation,
      renewable,
    } = (jsonOf(accept(answer, [200])) as { data?: Record<string, unknown> } | null)?.data ?? {};
    return accessOf(ttl, creation, renewable, call);
  }

  /** `auth/token/renew-self`: the token stays the same and ends later, at most at its own greatest age. */
  async renewAccess(call: OutsideCall): Promise<StoreAccess> {
    const path = 'auth/token/renew-self';
    const { signal } = call;
    const answer = await askVault(this.outbound, this.place, { method: 'POST', path, json: {}, signal });
    const { lease_duration: lasts, renewable } =
      (jsonOf(accept(answer, [200])) as { auth?: Record<string, unknown> } | null)?.auth ?? {};
    return accessOf(lasts, lasts, renewable, call);
  }

  #path(part: 'data' | 'metadata', id: string): string {
    return `${this.place.mount}/${part}/${this.place.prefix}/${id}`;
  }
}

function accessOf(seconds: unknown, lasts: unknown, renewable: unknown, call: OutsideCall): StoreAccess {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds))
    throw new OutsideProblem('the server did not say how long our token is good for');
  const whole = typeof lasts === 'number' && lasts > 0 ? lasts : seconds;
  return {
    endsAt: seconds === 0 ? null : call.now() + seconds * SECOND,
    lasts: whole * SECOND,
    renewable: renewable === true,
  };
}

function accept(answer: OutboundAnswer, good: readonly number[]): Buffer {
  if (!answer.ok) throw new OutsideProblem(answer.why);
  if (good.includes(answer.status)) return answer.body;
  throw new OutsideProblem(MEANS[answer.status] ?? `the server answered ${answer.status}`);
}

const MEANS: Readonly<Record<number, string>> = {
  403: 'the server answered 403: our token is refused, or its policy does not allow it',
  404: 'the server answered 404: it has no such secret, or hides it from us',
  429: 'the server answered 429: too many requests, or a standby',
  503: 'the server answered 503: it is sealed or in maintenance',
};

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}
