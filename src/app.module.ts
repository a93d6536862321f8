import { Module } from '@nestjs/common';
import { ApiModule } from './api/api.module.ts';
import { AccessModule } from './domain/access/access.module.ts';
import { HealthModule } from './platform/health/health.module.ts';
import { QueueModule } from './platform/queue/queue.module.ts';

/** Everything that is switched on. One line a module. */
@Module({
  imports: [QueueModule, HealthModule, AccessModule, ApiModule],
})
export class AppModule {}
