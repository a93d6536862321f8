import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { PartiesService } from './parties.service.ts';
import { VerificationsService } from './verifications.service.ts';

@Module({
  imports: [LedgerModule],
  providers: [PartiesService, VerificationsService],
  exports: [PartiesService, VerificationsService],
})
export class PartiesModule {}
