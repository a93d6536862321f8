import { Module } from '@nestjs/common';
import { ExposuresModule } from '../exposures/exposures.module.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { ObligationsModule } from '../obligations/obligations.module.ts';
import { RevocationModule } from '../revocation/revocation.module.ts';
import { SignalsModule } from '../signals/signals.module.ts';
import { AcceptExposuresJob } from './accept-exposures.job.ts';
import { AcceptanceService } from './acceptance.service.ts';
import { ConfirmMatchJob } from './confirm-match.job.ts';
import { ContainmentRollUp } from './containment-roll-up.ts';
import { ContainmentSweep } from './containment.sweep.ts';
import { DeriveObligationsJob } from './derive-obligations.job.ts';
import { DownstreamService } from './downstream.service.ts';
import { DownstreamSweep } from './downstream.sweep.ts';
import { FailuresService } from './failures.service.ts';
import { IncidentsService } from './incidents.service.ts';
import { ListDownstreamJob } from './list-downstream.job.ts';
import { MassRevocationsService } from './mass-revocations.service.ts';
import { OwedNotices } from './owed-notices.ts';
import { SignalCasesJob, SignalCompromisedJob } from './signal-cases.job.ts';
import { StartMassRevocationJob } from './start-mass-revocation.job.ts';
import { NoteProgressJob, RollUpContainmentJob, TakeUpAgainJob } from './roll-up-containment.job.ts';
import { UpdateCadence } from './update-cadence.service.ts';
import { UpdateCadenceSweep } from './update-cadence.sweep.ts';

@Module({
  imports: [ExposuresModule, LedgerModule, NoticesModule, ObligationsModule, RevocationModule, SignalsModule],
  providers: [
    AcceptanceService,
    ContainmentRollUp,
    DownstreamService,
    FailuresService,
    IncidentsService,
    MassRevocationsService,
    OwedNotices,
    AcceptExposuresJob,
    ConfirmMatchJob,
    SignalCasesJob,
    SignalCompromisedJob,
    StartMassRevocationJob,
    NoteProgressJob,
    RollUpContainmentJob,
    TakeUpAgainJob,
    ContainmentSweep,
    DownstreamSweep,
    UpdateCadence,
    UpdateCadenceSweep,
    ListDownstreamJob,
    DeriveObligationsJob,
  ],
  exports: [
    AcceptanceService,
    ContainmentRollUp,
    DownstreamService,
    FailuresService,
    IncidentsService,
    MassRevocationsService,
    ObligationsModule,
    UpdateCadence,
  ],
})
export class IncidentsModule {}
