import { Body, Controller, Get, Param, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import {
  failureSchema,
  failuresSchema,
  reportFailureSchema,
  type FailureView,
} from '../domain/incidents/failure.schema.ts';
import { failures } from '../domain/incidents/failures.queries.ts';
import { FailuresService } from '../domain/incidents/failures.service.ts';
import { incidentOf } from '../domain/incidents/incidents.queries.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = z.uuid();

@ApiTags('incidents')
@Controller('api/v1')
export class FailuresController {
  constructor(
    private readonly transactions: Transactions,
    private readonly service: FailuresService,
  ) {}

  @Post('failures')
  @ApiOperation({
    summary: 'Report something that fails after a revocation',
    description:
      'Answers with what it is, as far as is known: authentication, an outage of ours, the supplier, a user, or unclear. The same key again answers with the same report.',
  })
  @Permission('failures:report')
  @ApiCreatedResponse({ standardSchema: failureSchema })
  async report(
    @Body({ schema: reportFailureSchema }) input: z.output<typeof reportFailureSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FailureView> {
    const { failure, created } = answered(await this.service.report(input, by));
    if (!created) void reply.status(200);
    return failure;
  }

  @Get('incidents/:id/failures')
  @ApiOperation({ summary: 'List what failed since an incident is known, and what each failure is' })
  @Permission('incidents:read')
  @ApiOkResponse({ standardSchema: failuresSchema })
  list(
    @Param('id', { schema: id }) incidentId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof failuresSchema>> {
    return this.transactions.run(by, async (db) => {
      if (!(await incidentOf(db, incidentId)))
        throw new Refused(refusal('not_found', 'no-such-incident', 'There is no such incident.'));
      return { failures: await failures(db, { incidentId }, 500) };
    });
  }
}
