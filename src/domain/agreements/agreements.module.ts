import { Module } from '@nestjs/common';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { AgreementsService } from './agreements.service.ts';
import { TermTemplates } from './term-templates.ts';

@Module({
  imports: [LedgerModule],
  providers: [
    AgreementsService,
    { provide: TermTemplates, useFactory: () => TermTemplates.read(projectFolder('templates/terms')) },
  ],
  exports: [AgreementsService, TermTemplates],
})
export class AgreementsModule {}
