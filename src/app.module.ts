import { Module } from '@nestjs/common';
import { ApiModule } from './api/api.module.ts';
import { ConsoleModule } from './console/console.module.ts';
import { AccessModule } from './domain/access/access.module.ts';
import { ExposuresModule } from './domain/exposures/exposures.module.ts';
import { IncidentsModule } from './domain/incidents/incidents.module.ts';
import { LedgerModule } from './domain/ledger/ledger.module.ts';
import { NoticesModule } from './domain/notices/notices.module.ts';
import { ResponsibilityModule } from './domain/responsibility/responsibility.module.ts';
import { RevocationModule } from './domain/revocation/revocation.module.ts';
import { PolicyModule } from './domain/policy/policy.module.ts';
import { SigningFloorModule } from './domain/policy/signing-floor.module.ts';
import { WrittenAboutModule } from './domain/obligations/written-about.module.ts';
import { SecondPersonModule } from './domain/policy/second-person.module.ts';
import { RotationIntervalsModule } from './domain/policy/rotation-intervals.module.ts';
import { ReleasesModule } from './domain/releases/releases.module.ts';
import { PortfolioModule } from './domain/portfolio/portfolio.module.ts';
import { UsageModule } from './domain/usage/usage.module.ts';
import { RotationModule } from './domain/rotation/rotation.module.ts';
import { RunbooksModule } from './domain/runbooks/runbooks.module.ts';
import { HealthModule } from './platform/health/health.module.ts';
import { HttpModule } from './platform/http/http.module.ts';
import { QueueModule } from './platform/queue/queue.module.ts';
import { ActionsModule } from './plugins/actions/actions.module.ts';
import { ChannelsModule } from './plugins/channels/channels.module.ts';
import { ConnectorsModule } from './plugins/connectors/connectors.module.ts';
import { SelectorsModule } from './plugins/selectors/selectors.module.ts';
import { SourcesModule } from './plugins/sources/sources.module.ts';
import { SignalsModule } from './domain/signals/signals.module.ts';
import { StoresModule } from './plugins/stores/stores.module.ts';

/** Everything that is switched on. One line a module. */
@Module({
  imports: [
    QueueModule,
    HealthModule,
    HttpModule,
    StoresModule,
    SourcesModule,
    ConnectorsModule,
    ChannelsModule,
    ActionsModule,
    SelectorsModule,
    LedgerModule,
    AccessModule,
    RunbooksModule,
    SignalsModule,
    NoticesModule,
    ResponsibilityModule,
    UsageModule,
    RevocationModule,
    ExposuresModule,
    IncidentsModule,
    PolicyModule,
    SigningFloorModule,
    SecondPersonModule,
    WrittenAboutModule,
    RotationIntervalsModule,
    RotationModule,
    ReleasesModule,
    PortfolioModule,
    ApiModule,
    ConsoleModule,
  ],
})
export class AppModule {}
