import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.ts';
import { NoticesController } from './notices.controller.ts';
import { OpenApiController } from './openapi.controller.ts';
import { OpenApi } from './openapi.ts';
import { RunsController } from './runs.controller.ts';
import { StepsController } from './steps.controller.ts';
import { TokensController } from './tokens.controller.ts';
import { UsersController } from './users.controller.ts';

@Module({
  controllers: [HealthController, NoticesController, OpenApiController, RunsController, StepsController, TokensController, UsersController],
  providers: [OpenApi],
})
export class ApiModule {}
