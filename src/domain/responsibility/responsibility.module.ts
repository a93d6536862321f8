import { Module } from '@nestjs/common';
import { templatesFolder } from '../../platform/config/templates.ts';
import { AgreementsModule } from '../agreements/agreements.module.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { Attestations } from './attestations.service.ts';
import { ConfirmContactJob } from './confirm-contact.job.ts';
import { ConfirmationsService } from './confirmations.service.ts';
import { CountersigningService } from './countersigning.service.ts';
import { JudgeDeclaredJob } from './judge-declared.job.ts';
import { MatrixAssignments } from './matrix-assignments.service.ts';
import { Invitations } from './invitations.service.ts';
import { MatrixDraftsService } from './matrix-drafts.service.ts';
import { MatrixFiles } from './matrix-files.service.ts';
import { MatrixProposalsService } from './matrix-proposals.service.ts';
import { MatrixTemplates } from './matrix-templates.ts';
import { OfferingProposals } from './offering-proposals.service.ts';
import { OfferingRetirement } from './offering-retirement.service.ts';
import { OfferingsService } from './offerings.service.ts';
import { OfferingsSweep } from './offerings.sweep.ts';
import { OfflineSigning } from './offline-signing.service.ts';
import { ProposeOfferingJob } from './propose-offering.job.ts';
import { SendInvitationJob } from './send-invitation.job.ts';
import { Signatures } from './signatures.service.ts';
import { ShiftRowJob } from './shift-row.job.ts';
import { SignaturesSweep } from './signatures.sweep.ts';
import { SigningCodes } from './signing-codes.service.ts';
import { SigningKeys } from './signing-keys.service.ts';
import { SigningLinks } from './signing-links.service.ts';
import { TellOfKeyJob } from './tell-of-key.job.ts';
import { TermsInForce } from './terms-in-force.ts';

const shared = [
  ConfirmationsService,
  CountersigningService,
  Attestations,
  MatrixAssignments,
  Invitations,
  MatrixDraftsService,
  MatrixFiles,
  MatrixProposalsService,
  MatrixTemplates,
  OfferingProposals,
  OfferingRetirement,
  OfferingsService,
  OfflineSigning,
  Signatures,
  SigningKeys,
  SigningLinks,
];

@Module({
  imports: [AgreementsModule, LedgerModule, NoticesModule],
  providers: [
    Attestations,
    ConfirmationsService,
    ConfirmContactJob,
    CountersigningService,
    JudgeDeclaredJob,
    MatrixAssignments,
    Invitations,
    MatrixDraftsService,
    MatrixFiles,
    MatrixProposalsService,
    OfferingProposals,
    OfferingRetirement,
    OfferingsService,
    OfferingsSweep,
    OfflineSigning,
    ProposeOfferingJob,
    SendInvitationJob,
    ShiftRowJob,
    Signatures,
    SignaturesSweep,
    SigningCodes,
    SigningKeys,
    SigningLinks,
    TellOfKeyJob,
    TermsInForce,
    { provide: MatrixTemplates, useFactory: () => new MatrixTemplates(templatesFolder('matrices')) },
  ],
  exports: shared,
})
export class ResponsibilityModule {}
