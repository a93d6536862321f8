import { Module } from '@nestjs/common';
import { PortfolioModule } from '../domain/portfolio/portfolio.module.ts';
import { AgreementsController } from './agreements.controller.ts';
import { ConnectionsController } from './connections.controller.ts';
import { CredentialsController } from './credentials.controller.ts';
import { HealthController } from './health.controller.ts';
import { ImportsController } from './imports.controller.ts';
import { IntegrationsController } from './integrations.controller.ts';
import { NoticesController } from './notices.controller.ts';
import { OpenApiController } from './openapi.controller.ts';
import { OpenApi } from './openapi.ts';
import { PartiesController } from './parties.controller.ts';
import { RunsController } from './runs.controller.ts';
import { SchemasController } from './schemas.controller.ts';
import { StepsController } from './steps.controller.ts';
import { TokensController } from './tokens.controller.ts';
import { UsersController } from './users.controller.ts';

@Module({
  imports: [PortfolioModule],
  controllers: [
    AgreementsController,
    ConnectionsController,
    CredentialsController,
    IntegrationsController,
    PartiesController,
    HealthController,
    ImportsController,
    NoticesController,
    OpenApiController,
    RunsController,
    SchemasController,
    StepsController,
    TokensController,
    UsersController,
  ],
  providers: [OpenApi],
})
export class ApiModule {}
