import { Module } from '@nestjs/common';
import { PortfolioModule } from '../domain/portfolio/portfolio.module.ts';
import { HealthController } from './health.controller.ts';
import { ImportsController } from './imports.controller.ts';
import { OpenApiController } from './openapi.controller.ts';
import { OpenApi } from './openapi.ts';
import { SchemasController } from './schemas.controller.ts';
import { TokensController } from './tokens.controller.ts';
import { UsersController } from './users.controller.ts';

@Module({
  imports: [PortfolioModule],
  controllers: [
    HealthController,
    ImportsController,
    OpenApiController,
    SchemasController,
    TokensController,
    UsersController,
  ],
  providers: [OpenApi],
})
export class ApiModule {}
