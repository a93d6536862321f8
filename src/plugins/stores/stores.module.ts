import { Global, Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.ts';
import type { Config } from '../../platform/config/config.ts';
import { CONFIG } from '../../platform/config/token.ts';
import { Outbound } from '../../platform/http/outbound.ts';
import { BringOutsideSweep } from '../../platform/vault/bring-outside.sweep.ts';
import { KeptOutside } from '../../platform/vault/kept-outside.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerModule } from '../../domain/ledger/ledger.module.ts';
import { NoticesModule } from '../../domain/notices/notices.module.ts';
import { StoreAccessSweep } from './access/store-access.sweep.ts';
import { StoreMove } from './moving/store-move.ts';
import { EnvStore } from './env/env.store.ts';
import { KeyRotation } from './sealed/key-rotation.ts';
import { SealedStore } from './sealed/sealed.store.ts';
import { outsideStores, storeProviders } from './registry.ts';

@Global()
@Module({
  imports: [LedgerModule, NoticesModule],
  providers: [
    KeyRotation,
    BringOutsideSweep,
    StoreAccessSweep,
    StoreMove,
    ...storeProviders,
    {
      provide: Vault,
      inject: [CONFIG, Outbound, Clock, SealedStore, EnvStore],
      useFactory: (config: Config, outbound: Outbound, clock: Clock, sealed: SealedStore, env: EnvStore) => {
        const outside = outsideStores.flatMap((open) => open(config.stores, outbound) ?? []);
        const kept = outside.map((store) => new KeptOutside(store, sealed, clock));
        return new Vault([sealed, env, ...kept], config.stores.writeTo);
      },
    },
  ],
  exports: [Vault, SealedStore, KeyRotation, StoreMove],
})
export class StoresModule {}
