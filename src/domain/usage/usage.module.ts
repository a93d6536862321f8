import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { Alarms } from './usage-alarms.ts';
import { UsageRetentionSweep } from './usage-retention.sweep.ts';
import { UsageService } from './usage.service.ts';

@Module({
  imports: [LedgerModule],
  providers: [Alarms, UsageService, UsageRetentionSweep],
  exports: [UsageService],
})
export class UsageModule {}
