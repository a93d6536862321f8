import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { CredentialsService } from './credentials.service.ts';

@Module({ imports: [LedgerModule], providers: [CredentialsService], exports: [CredentialsService] })
export class CredentialsModule {}
