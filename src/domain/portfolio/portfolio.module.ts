import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { RevocationModule } from '../revocation/revocation.module.ts';
import { ImportPortfolioJob } from './import-portfolio.job.ts';
import { Importer } from './importer.ts';
import { ImportsService } from './imports.service.ts';
import { StaleImportsSweep } from './stale-imports.sweep.ts';

@Module({
  imports: [LedgerModule, RevocationModule],
  providers: [Importer, ImportsService, ImportPortfolioJob, StaleImportsSweep],
  exports: [ImportsService],
})
export class PortfolioModule {}
