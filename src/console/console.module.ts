import { Module } from '@nestjs/common';
import { AgreementsModule } from '../domain/agreements/agreements.module.ts';
import { ExposuresModule } from '../domain/exposures/exposures.module.ts';
import { IncidentsModule } from '../domain/incidents/incidents.module.ts';
import { PortfolioModule } from '../domain/portfolio/portfolio.module.ts';
import { NoticesModule } from '../domain/notices/notices.module.ts';
import { PolicyModule } from '../domain/policy/policy.module.ts';
import { ReleasesModule } from '../domain/releases/releases.module.ts';
import { ResponsibilityModule } from '../domain/responsibility/responsibility.module.ts';
import { RotationModule } from '../domain/rotation/rotation.module.ts';
import { RevocationModule } from '../domain/revocation/revocation.module.ts';
import { SignalsModule } from '../domain/signals/signals.module.ts';
import { UsageModule } from '../domain/usage/usage.module.ts';
import { Rooms } from './incidents/rooms.ts';
import { AREAS_OF_CONSOLE } from './pages.ts';
import { AREAS, ConsoleAnswers } from './shared/page.ts';

@Module({
  imports: [
    AgreementsModule,
    ExposuresModule,
    IncidentsModule,
    NoticesModule,
    PolicyModule,
    PortfolioModule,
    ReleasesModule,
    ResponsibilityModule,
    RevocationModule,
    RotationModule,
    SignalsModule,
    UsageModule,
  ],
  controllers: AREAS_OF_CONSOLE.flatMap(({ pages }) => pages),
  providers: [{ provide: AREAS, useValue: AREAS_OF_CONSOLE }, ConsoleAnswers, Rooms],
})
export class ConsoleModule {}
