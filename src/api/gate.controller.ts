import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { findIntegration } from '../domain/integrations/integrations.queries.ts';
import { ExceptionsService } from '../domain/policy/exceptions.service.ts';
import { gateFactsSchema, type GateFacts } from '../domain/policy/facts.schema.ts';
import { decisionsOf, exceptionsOf } from '../domain/policy/gate.queries.ts';
import {
  decisionSchema,
  exceptionSchema,
  goneLiveSchema,
  requestExceptionSchema,
  type DecisionView,
  type ExceptionView,
} from '../domain/policy/gate.schema.ts';
import { GateService } from '../domain/policy/gate.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({ cursor: cursorSchema.optional(), limit: pageLimit });
const decisionsSchema = z
  .object({ decisions: z.array(decisionSchema), next: z.string().nullable() })
  .meta({ id: 'GateDecisions' });
const exceptionsSchema = z
  .object({ exceptions: z.array(exceptionSchema) })
  .meta({ id: 'IntegrationExceptions' });
const factsSchema = gateFactsSchema.meta({ id: 'GateFacts' });

@ApiTags('gate')
@Controller('api/v1/integrations/:id')
export class GateController {
  constructor(
    private readonly transactions: Transactions,
    private readonly gate: GateService,
    private readonly exceptions: ExceptionsService,
    private readonly clock: Clock,
  ) {}

  @Post('gate')
  @ApiOperation({
    summary: 'Ask the gate about an integration without opening it',
    description: 'The answer is recorded as a dry run.',
  })
  @Permission('gate:check')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: decisionSchema })
  async dryRun(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<DecisionView> {
    return answered(await this.gate.dryRun(integrationId, by));
  }

  @Post('go-live')
  @ApiOperation({
    summary: 'Let an integration into production',
    description: 'Or say with every finding what keeps it out.',
  })
  @Permission('gate:open')
  @Idempotent()
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: goneLiveSchema })
  async goLive(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof goneLiveSchema>> {
    return answered(await this.gate.goLive(integrationId, by));
  }

  @Get('gate-decisions')
  @ApiOperation({
    summary: "List the gate's decisions on an integration, newest first",
    description: 'They are kept for ever.',
  })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: decisionsSchema })
  async decisions(
    @Param('id', { schema: id }) integrationId: string,
    @Query({ schema: listQuery }) { cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof decisionsSchema>> {
    const decisions = await this.transactions.run(by, async (db) => {
      if (!(await findIntegration(db, integrationId))) throw new Refused(notFound());
      return decisionsOf(db, integrationId, { limit: limit + 1, ...(cursor ? { after: cursor } : {}) });
    });
    const page = decisions.slice(0, limit);
    const last = page.at(-1);
    return {
      decisions: page,
      next: last && decisions.length > limit ? cursorText({ at: Date.parse(last.at), id: last.id }) : null,
    };
  }

  @Get('gate-facts')
  @ApiOperation({
    summary: 'Read what the rules see of an integration',
    description: 'For an evaluation before a change is made.',
  })
  @Permission('gate:check')
  @ApiOkResponse({ standardSchema: factsSchema })
  async facts(@Param('id', { schema: id }) integrationId: string, @By() by: Principal): Promise<GateFacts> {
    const facts = await this.transactions.run(by, (db) => this.gate.facts(db, integrationId));
    if (!facts) throw new Refused(notFound());
    return facts;
  }

  @Post('exceptions')
  @ApiOperation({ summary: 'Ask for an exception: that one finding may pass until a date' })
  @Permission('policy:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: exceptionSchema })
  async request(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: requestExceptionSchema }) input: z.output<typeof requestExceptionSchema>,
    @By() by: Principal,
  ): Promise<ExceptionView> {
    return answered(await this.exceptions.request(integrationId, input, by));
  }

  @Get('exceptions')
  @ApiOperation({
    summary: 'List the exceptions of an integration, newest first',
    description: 'Requested, approved, refused, withdrawn and expired ones.',
  })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: exceptionsSchema })
  async list(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof exceptionsSchema>> {
    return this.transactions.run(by, async (db) => {
      if (!(await findIntegration(db, integrationId))) throw new Refused(notFound());
      return { exceptions: await exceptionsOf(db, integrationId, this.clock.now()) };
    });
  }
}

function notFound() {
  return refusal('not_found', 'no-integration', 'There is no such integration.');
}
