import { Module } from '@nestjs/common';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { PartiesModule } from '../parties/parties.module.ts';
import { RevocationModule } from '../revocation/revocation.module.ts';
import { AccessDecisions } from './access-decisions.service.ts';
import { AccessRemovals } from './access-removals.service.ts';
import { AccessReviewsService } from './access-reviews.service.ts';
import { AccessReviewsSweep } from './access-reviews.sweep.ts';
import { AdvanceWayJob, RetireAgainJob, StartDrillsJob, TryIssuanceAgainJob } from './advance-way.job.ts';
import { EndWayJob } from './end-way.job.ts';
import { ExceptionsService } from './exceptions.service.ts';
import { GateRecords } from './gate-records.service.ts';
import { GateService } from './gate.service.ts';
import { Isolation } from './isolation.service.ts';
import { OffboardingService } from './offboarding.service.ts';
import { OnboardingService } from './onboarding.service.ts';
import { PartnersService } from './partners.service.ts';
import { Policies } from './policies.ts';
import { RetirementService } from './retirement.service.ts';
import { ReEvaluateJob, ReEvaluationSweep } from './re-evaluate.job.ts';
import { ReEvaluations } from './re-evaluation.service.ts';
import { RemindReviewerJob } from './remind-reviewer.job.ts';
import { SettleRemovalJob } from './settle-removal.job.ts';

@Module({
  imports: [LedgerModule, NoticesModule, PartiesModule, RevocationModule],
  providers: [
    { provide: Policies, useFactory: () => new Policies(projectFolder('templates/policies')) },
    GateRecords,
    GateService,
    ExceptionsService,
    OffboardingService,
    OnboardingService,
    PartnersService,
    RetirementService,
    AdvanceWayJob,
    EndWayJob,
    RetireAgainJob,
    StartDrillsJob,
    TryIssuanceAgainJob,
    ReEvaluateJob,
    ReEvaluationSweep,
    ReEvaluations,
    AccessDecisions,
    AccessRemovals,
    AccessReviewsService,
    AccessReviewsSweep,
    SettleRemovalJob,
    RemindReviewerJob,
    Isolation,
  ],
  exports: [
    Policies,
    GateService,
    ExceptionsService,
    OffboardingService,
    OnboardingService,
    PartnersService,
    RetirementService,
    AccessReviewsService,
    AccessDecisions,
    Isolation,
    ReEvaluations,
  ],
})
export class PolicyModule {}
