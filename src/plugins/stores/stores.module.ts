import { Global, Module } from '@nestjs/common';
import type { Store } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerModule } from '../../domain/ledger/ledger.module.ts';
import { KeyRotation } from './sealed/key-rotation.ts';
import { SealedStore } from './sealed/sealed.store.ts';
import { storeProviders } from './registry.ts';

@Global()
@Module({
  imports: [LedgerModule],
  providers: [
    KeyRotation,
    ...storeProviders,
    {
      provide: Vault,
      inject: storeProviders.map((store) => store.provide),
      useFactory: (...stores: Store[]) => new Vault(stores, stores[0]?.key ?? ''),
    },
  ],
  exports: [Vault, SealedStore, KeyRotation],
})
export class StoresModule {}
