import { SystemClock } from '../../src/platform/clock/clock.ts';
import type { StoresConfig } from '../../src/platform/config/config.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { KeptOutside } from '../../src/platform/vault/kept-outside.ts';
import type { OutsideStore, Store } from '../../src/platform/vault/store.ts';
import { outsideStores } from '../../src/plugins/stores/registry.ts';
import { OUR_KEY, ScriptedSecrets } from './scripted-aws.ts';
import { ScriptedSupplier } from './scripted-supplier.ts';
import { OUR_TOKEN, ScriptedKv } from './scripted-vault.ts';

const clock = new SystemClock();

/** A peer for each store outside. */
export class OutsidePeers {
  readonly kv = new ScriptedKv();
  readonly manager = new ScriptedSecrets();
  readonly kvPeer = new ScriptedSupplier(this.kv);
  readonly managerPeer = new ScriptedSupplier(this.manager);
  #outbound: Outbound | undefined;

  async start(): Promise<void> {
    await Promise.all([this.kvPeer.start(), this.managerPeer.start()]);
    this.#outbound = new Outbound(
      { outboundAllow: [this.kvPeer.hostPort, this.managerPeer.hostPort] },
      clock,
    );
  }

  async stop(): Promise<void> {
    await this.#outbound?.close();
    await Promise.all([this.kvPeer.stop(), this.managerPeer.stop()]);
  }

  /** Every registered one, set up. */
  all(): OutsideStore[] {
    const outbound = this.#outbound ?? new Outbound({ outboundAllow: [] }, clock);
    return outsideStores.flatMap((open) => open(this.#places(), outbound) ?? []);
  }

  /** One that can be named before its peer listens. */
  opened(key: string, sealed: Store): KeptOutside {
    const found = () => {
      const one = this.all().find((store) => store.key === key);
      if (!one) throw new Error(`no store ${key}`);
      return one;
    };
    const { title, capabilities, longest } = found();
    const late: OutsideStore = {
      key,
      title,
      capabilities,
      longest,
      keep: (...args) => found().keep(...args),
      fetch: (...args) => found().fetch(...args),
      remove: (...args) => found().remove(...args),
    };
    return new KeptOutside(late, sealed, clock);
  }

  #places(): StoresConfig {
    return {
      writeTo: 'sealed',
      vault: {
        url: this.kvPeer.baseUrl,
        token: Secret.of(OUR_TOKEN),
        mount: 'secret',
        prefix: 'countersign',
      },
      aws: {
        endpoint: this.managerPeer.baseUrl,
        region: 'eu-central-1',
        accessKeyId: Secret.of(OUR_KEY.id),
        secretAccessKey: Secret.of(OUR_KEY.secret),
        prefix: 'countersign',
      },
    };
  }
}
