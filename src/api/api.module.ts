import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.ts';
import { OpenApiController } from './openapi.controller.ts';
import { OpenApi } from './openapi.ts';
import { TokensController } from './tokens.controller.ts';
import { UsersController } from './users.controller.ts';

@Module({
  controllers: [HealthController, OpenApiController, TokensController, UsersController],
  providers: [OpenApi],
})
export class ApiModule {}
