import { Module } from '@nestjs/common';
import { templatesFolder } from '../../platform/config/templates.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { Attestations } from './attestations.service.ts';
import { ConfirmContactJob } from './confirm-contact.job.ts';
import { ConfirmationsService } from './confirmations.service.ts';
import { CountersigningService } from './countersigning.service.ts';
import { MatrixDraftsService } from './matrix-drafts.service.ts';
import { MatrixProposalsService } from './matrix-proposals.service.ts';
import { MatrixTemplates } from './matrix-templates.ts';
import { OfflineSigning } from './offline-signing.service.ts';
import { SendInvitationJob } from './send-invitation.job.ts';
import { Signatures } from './signatures.service.ts';
import { SignaturesSweep } from './signatures.sweep.ts';
import { SigningCodes } from './signing-codes.service.ts';
import { SigningKeys } from './signing-keys.service.ts';
import { SigningLinks } from './signing-links.service.ts';

const shared = [
  ConfirmationsService,
  CountersigningService,
  Attestations,
  MatrixDraftsService,
  MatrixProposalsService,
  MatrixTemplates,
  OfflineSigning,
  Signatures,
  SigningKeys,
  SigningLinks,
];

@Module({
  imports: [LedgerModule, NoticesModule],
  providers: [
    Attestations,
    ConfirmationsService,
    ConfirmContactJob,
    CountersigningService,
    MatrixDraftsService,
    MatrixProposalsService,
    OfflineSigning,
    SendInvitationJob,
    Signatures,
    SignaturesSweep,
    SigningCodes,
    SigningKeys,
    SigningLinks,
    { provide: MatrixTemplates, useFactory: () => new MatrixTemplates(templatesFolder('matrices')) },
  ],
  exports: shared,
})
export class ResponsibilityModule {}
