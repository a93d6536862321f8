import { Module } from '@nestjs/common';
import { CredentialsModule } from '../credentials/credentials.module.ts';
import { IntegrationsModule } from '../integrations/integrations.module.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { PartiesModule } from '../parties/parties.module.ts';
import { PolicyModule } from '../policy/policy.module.ts';
import { RevocationModule } from '../revocation/revocation.module.ts';
import { ImportPortfolioJob } from './import-portfolio.job.ts';
import { Importer } from './importer.ts';
import { ImportsService } from './imports.service.ts';
import { StaleImportsSweep } from './stale-imports.sweep.ts';

@Module({
  imports: [
    LedgerModule,
    PolicyModule,
    PartiesModule,
    IntegrationsModule,
    CredentialsModule,
    RevocationModule,
  ],
  providers: [Importer, ImportsService, ImportPortfolioJob, StaleImportsSweep],
  exports: [ImportsService, PartiesModule, IntegrationsModule, CredentialsModule],
})
export class PortfolioModule {}
