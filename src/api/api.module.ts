import { Module } from '@nestjs/common';
import { AgreementsModule } from '../domain/agreements/agreements.module.ts';
import { ExposuresModule } from '../domain/exposures/exposures.module.ts';
import { IncidentsModule } from '../domain/incidents/incidents.module.ts';
import { NoticesModule } from '../domain/notices/notices.module.ts';
import { PolicyModule } from '../domain/policy/policy.module.ts';
import { PortfolioModule } from '../domain/portfolio/portfolio.module.ts';
import { ReleasesModule } from '../domain/releases/releases.module.ts';
import { ResponsibilityModule } from '../domain/responsibility/responsibility.module.ts';
import { RotationModule } from '../domain/rotation/rotation.module.ts';
import { RevocationModule } from '../domain/revocation/revocation.module.ts';
import { SignalsModule } from '../domain/signals/signals.module.ts';
import { UsageModule } from '../domain/usage/usage.module.ts';
import { AccessReviewsController } from './access-reviews.controller.ts';
import { AgreementsController } from './agreements.controller.ts';
import { ConfirmationsController } from './confirmations.controller.ts';
import { ConnectorPresetsController } from './connector-presets.controller.ts';
import { ConnectionsController } from './connections.controller.ts';
import { CopiesController } from './copies.controller.ts';
import { CredentialsController } from './credentials.controller.ts';
import { FailuresController } from './failures.controller.ts';
import { GateController } from './gate.controller.ts';
import { HealthController } from './health.controller.ts';
import { ImportsController } from './imports.controller.ts';
import { IntegrationsController } from './integrations.controller.ts';
import { MassRevocationsController } from './mass-revocations.controller.ts';
import { MachinesController } from './machines.controller.ts';
import { CheckoutsController } from './checkouts.controller.ts';
import { MatricesController } from './matrices.controller.ts';
import { MatrixFilesController } from './matrix-files.controller.ts';
import { MatrixController } from './matrix.controller.ts';
import { InventoryController } from './inventory.controller.ts';
import { BouncesController } from './bounces.controller.ts';
import { OnCallController } from './on-call.controller.ts';
import { NoticeTemplatesController } from './notice-templates.controller.ts';
import { NoticeCallsController } from './notice-calls.controller.ts';
import { NoticesController } from './notices.controller.ts';
import { ObligationsController } from './obligations.controller.ts';
import { OfferingsController } from './offerings.controller.ts';
import { OnboardingController } from './onboarding.controller.ts';
import { OpenApiController } from './openapi.controller.ts';
import { OpenApi } from './openapi.ts';
import { PartiesController } from './parties.controller.ts';
import { PoliciesController } from './policies.controller.ts';
import { RotationsController } from './rotations.controller.ts';
import { RunsController } from './runs.controller.ts';
import { SchemasController } from './schemas.controller.ts';
import { RiskAcceptancesController } from './risk-acceptances.controller.ts';
import { StatementsController } from './statements.controller.ts';
import { StepsController } from './steps.controller.ts';
import { StoppersController } from './stoppers.controller.ts';
import { SharedSignalsController } from './shared-signals.controller.ts';
import { SignalsMetadataController } from './signals-metadata.controller.ts';
import { SubscriptionsController } from './subscriptions.controller.ts';
import { TermTemplatesController } from './term-templates.controller.ts';
import { TokensController } from './tokens.controller.ts';
import { UsageController } from './usage.controller.ts';
import { UsersController } from './users.controller.ts';
import { CasesController } from './cases.controller.ts';
import { DownstreamController } from './downstream.controller.ts';
import { DrillsController } from './drills.controller.ts';
import { ExposureFilesController } from './exposure-files.controller.ts';
import { ExposuresController } from './exposures.controller.ts';
import { IncidentsController } from './incidents.controller.ts';
import { IntakeController } from './intake.controller.ts';
import { SourcesController } from './sources.controller.ts';
import { WrittenNoticesController } from './written-notices.controller.ts';

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
    SignalsModule,
    UsageModule,
    RotationModule,
  ],
  controllers: [
    AccessReviewsController,
    SourcesController,
    IntakeController,
    IncidentsController,
    ConfirmationsController,
    ConnectionsController,
    ConnectorPresetsController,
    ExposureFilesController,
    ExposuresController,
    CasesController,
    AgreementsController,
    CopiesController,
    CredentialsController,
    DownstreamController,
    DrillsController,
    FailuresController,
    IntegrationsController,
    PartiesController,
    GateController,
    PoliciesController,
    HealthController,
    ImportsController,
    MassRevocationsController,
    MachinesController,
    CheckoutsController,
    MatricesController,
    MatrixFilesController,
    MatrixController,
    InventoryController,
    NoticeCallsController,
    NoticesController,
    WrittenNoticesController,
    NoticeTemplatesController,
    OnCallController,
    BouncesController,
    ObligationsController,
    OfferingsController,
    OnboardingController,
    OpenApiController,
    RotationsController,
    RunsController,
    SchemasController,
    RiskAcceptancesController,
    StatementsController,
    StepsController,
    StoppersController,
    SharedSignalsController,
    SignalsMetadataController,
    SubscriptionsController,
    TermTemplatesController,
    TokensController,
    UsageController,
    UsersController,
  ],
  providers: [OpenApi],
})
export class ApiModule {}
