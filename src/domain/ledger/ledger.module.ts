import { Global, Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.ts';
import type { Config } from '../../platform/config/config.ts';
import { CONFIG } from '../../platform/config/token.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { CheckpointFolder } from './checkpoint-folder.ts';
import { Checkpointer } from './checkpointer.ts';
import { LedgerService } from './ledger.service.ts';
import { CheckpointSweep, SequenceSweep } from './ledger.sweeps.ts';
import { Sequencer } from './sequencer.ts';

/** Every folder above writes to the ledger, so it is at hand everywhere. */
@Global()
@Module({
  providers: [
    LedgerService,
    {
      provide: Sequencer,
      inject: [Transactions],
      useFactory: (transactions: Transactions) => new Sequencer(transactions),
    },
    {
      provide: Checkpointer,
      inject: [Transactions, Clock, Keys, CONFIG],
      useFactory: (transactions: Transactions, clock: Clock, keys: Keys, config: Config) =>
        new Checkpointer(transactions, clock, keys.signer(), new CheckpointFolder(config.dataFolder)),
    },
    SequenceSweep,
    CheckpointSweep,
  ],
  exports: [LedgerService, Sequencer, Checkpointer],
})
export class LedgerModule {}
