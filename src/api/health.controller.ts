import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { EveryProcess, Permission, Public } from '../domain/access/route.ts';
import { Health, type Readiness } from '../platform/health/health.ts';
import { Metrics } from '../platform/metrics/metrics.ts';

@ApiExcludeController()
@Controller()
export class HealthController {
  constructor(
    private readonly health: Health,
    private readonly metrics: Metrics,
  ) {}

  @Get('healthz')
  @EveryProcess()
  @Public({ why: 'a supervisor asks whether the process is alive' })
  alive(): { alive: true } {
    return { alive: true };
  }

  @Get('readyz')
  @EveryProcess()
  @Public({ why: 'a load balancer asks whether to send anybody here' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const readiness = await this.health.readiness();
    void reply.status(readiness.ready ? 200 : 503).header('cache-control', 'no-store');
    return readiness;
  }

  @Get('metrics')
  @EveryProcess()
  @Permission('metrics:read')
  async measurements(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    void reply.type(this.metrics.registry.contentType);
    return this.metrics.registry.metrics();
  }
}
