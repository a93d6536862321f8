import type { Provider } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.ts';
import type { StoresConfig } from '../../platform/config/config.ts';
import { readEnvironment } from '../../platform/config/environment.ts';
import type { Outbound } from '../../platform/http/outbound.ts';
import { Keys } from '../../platform/signing/keys.ts';
import type { OutsideStore } from '../../platform/vault/store.ts';
import { AwsSecretsStore } from './aws-secrets-manager/aws-secrets-manager.store.ts';
import { EnvStore } from './env/env.store.ts';
import { SealedStore } from './sealed/sealed.store.ts';
import { VaultKvStore } from './vault-kv2/vault-kv2.store.ts';

/** The stores that are always there, as providers. One line adds one. */
export const storeProviders = [
  {
    provide: SealedStore,
    inject: [Keys, Clock],
    useFactory: (keys: Keys, clock: Clock) => new SealedStore(keys, clock),
  },
  { provide: EnvStore, useFactory: () => new EnvStore(readEnvironment) },
] as const satisfies readonly Provider[];

/** The stores outside; each is there where it is set up. One line adds one. */
export const outsideStores: readonly ((stores: StoresConfig, outbound: Outbound) => OutsideStore | null)[] = [
  ({ vault }, outbound) => (vault ? new VaultKvStore(outbound, vault) : null),
  ({ aws }, outbound) => (aws ? new AwsSecretsStore(outbound, aws) : null),
];
