import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { PartiesService } from './parties.service.ts';

@Module({ imports: [LedgerModule], providers: [PartiesService], exports: [PartiesService] })
export class PartiesModule {}
