import { Module } from '@nestjs/common';
import { PortfolioModule } from '../domain/portfolio/portfolio.module.ts';
import { HealthController } from './health.controller.ts';
import { ImportsController } from './imports.controller.ts';
import { NoticesController } from './notices.controller.ts';
import { OpenApiController } from './openapi.controller.ts';
import { OpenApi } from './openapi.ts';
import { RunsController } from './runs.controller.ts';
import { SchemasController } from './schemas.controller.ts';
import { StepsController } from './steps.controller.ts';
import { TokensController } from './tokens.controller.ts';
import { UsersController } from './users.controller.ts';

@Module({
  imports: [PortfolioModule],
  controllers: [
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
