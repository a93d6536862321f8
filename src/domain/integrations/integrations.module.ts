import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { IntegrationsService } from './integrations.service.ts';
import { QuarantineService, QuarantineSweep } from './quarantine.service.ts';

@Module({
  imports: [LedgerModule, NoticesModule],
  providers: [IntegrationsService, QuarantineService, QuarantineSweep],
  exports: [IntegrationsService],
})
export class IntegrationsModule {}
