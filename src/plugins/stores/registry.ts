import type { Provider } from '@nestjs/common';
import { readEnvironment } from '../../platform/config/environment.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { EnvStore } from './env/env.store.ts';
import { SealedStore } from './sealed/sealed.store.ts';

/** Every secret store, as a provider. One line adds one; the first is the one that new secrets go to. */
export const storeProviders = [
  {
    provide: SealedStore,
    inject: [Keys, Clock],
    useFactory: (keys: Keys, clock: Clock) => new SealedStore(keys, clock),
  },
  { provide: EnvStore, useFactory: () => new EnvStore(readEnvironment) },
] as const satisfies readonly Provider[];
