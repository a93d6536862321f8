import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { NoticesModule } from '../notices/notices.module.ts';
import { ReleasesModule } from '../releases/releases.module.ts';
import { RevocationModule } from '../revocation/revocation.module.ts';
import { AdmittedSources } from './admitted-sources.ts';
import { CloseAtSourceJob, CloseReportedJob } from './close-at-source.job.ts';
import { ClosedLoops } from './closed-loops.service.ts';
import { Deliveries } from './deliveries.service.ts';
import { DeliveryLog } from './delivery-log.service.ts';
import { Envelopes } from './envelopes.ts';
import { EndLeakedCheckoutsJob } from './end-leaked-checkouts.job.ts';
import { FetchMissingJob } from './fetch-missing.job.ts';
import { FileReports } from './file-reports.service.ts';
import { HeldValues } from './held-values.service.ts';
import { IntakeService } from './intake.service.ts';
import { MatchAgainJob } from './match-again.job.ts';
import { MatchingService } from './matching.service.ts';
import { NamedReports } from './named-reports.service.ts';
import { RaiseFromUsageJob } from './raise-from-usage.job.ts';
import { MissingValues } from './missing-values.service.ts';
import { PollSourcesSweep } from './poll-sources.sweep.ts';
import { PublishedKeys } from './published-keys.service.ts';
import { PublishedKeysSweep } from './published-keys.sweep.ts';
import { RefusedDeliveries } from './refused-deliveries.service.ts';
import { RefusedDeliveriesSweep } from './refused-deliveries.sweep.ts';
import { ReportsService } from './reports.service.ts';
import { SourceKeys } from './source-keys.ts';
import { SourcePolls } from './source-polls.service.ts';
import { SourcesService } from './sources.service.ts';
import { StaleEnvelopesSweep } from './stale-envelopes.sweep.ts';
import { TriageService } from './triage.service.ts';
import { WaitingReports } from './waiting-reports.service.ts';

const services = [
  DeliveryLog,
  FileReports,
  HeldValues,
  IntakeService,
  MatchingService,
  NamedReports,
  RefusedDeliveries,
  ReportsService,
  SourcePolls,
  SourcesService,
  TriageService,
  WaitingReports,
];

/** Needs `SOURCES`, `Vault` and `Connectors`, which the plug-ins' modules give. */
@Module({
  imports: [LedgerModule, NoticesModule, ReleasesModule, RevocationModule],
  providers: [
    ...services,
    AdmittedSources,
    Deliveries,
    Envelopes,
    PollSourcesSweep,
    PublishedKeys,
    PublishedKeysSweep,
    MissingValues,
    RefusedDeliveriesSweep,
    SourceKeys,
    CloseAtSourceJob,
    CloseReportedJob,
    ClosedLoops,
    EndLeakedCheckoutsJob,
    FetchMissingJob,
    MatchAgainJob,
    RaiseFromUsageJob,
    StaleEnvelopesSweep,
  ],
  exports: services,
})
export class ExposuresModule {}
