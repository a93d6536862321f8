import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { IntegrationsService } from './integrations.service.ts';

@Module({ imports: [LedgerModule], providers: [IntegrationsService], exports: [IntegrationsService] })
export class IntegrationsModule {}
