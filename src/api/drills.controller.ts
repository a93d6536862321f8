import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { findConnection } from '../domain/portfolio/connections.queries.ts';
import { CanariesService } from '../domain/revocation/canaries.service.ts';
import {
  canaryInputSchema,
  canarySchema,
  drillSchema,
  sandboxSchema,
  startDrillSchema,
  startedDrillSchema,
  type CanaryInput,
  type CanaryView,
  type DrillView,
  type StartDrill,
  type StartedDrill,
} from '../domain/revocation/drill.schema.ts';
import { drillsOf, findDrillPath } from '../domain/revocation/drills.queries.ts';
import { DrillsService } from '../domain/revocation/drills.service.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const drillsSchema = z.object({ drills: z.array(drillSchema) }).meta({ id: 'Drills' });
const canariesSchema = z.object({ canaries: z.array(canarySchema) }).meta({ id: 'Canaries' });

@ApiTags('drills')
@Controller('api/v1')
export class DrillsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly drills: DrillsService,
    private readonly canaries: CanariesService,
  ) {}

  /** Tries a revocation path: on a canary of its connection, or by calling its contact; with faults, if any are named, that are made to happen on the canary. Watch the run, or the drill. */
  @Post('revocation-paths/:id/drills')
  @ApiOperation({ summary: 'Drill a revocation path' })
  @Permission('runs:start')
  @Idempotent()
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: startedDrillSchema })
  async start(
    @Param('id', { schema: id }) pathId: string,
    @Body({ schema: startDrillSchema.default({ faults: [], runbook: 'drill' }) }) how: StartDrill,
    @By() by: Principal,
  ): Promise<StartedDrill> {
    return answered(await this.drills.start(pathId, by, how));
  }

  /** Newest first, each with its exchanges. */
  @Get('revocation-paths/:id/drills')
  @ApiOperation({ summary: 'List the drills of a revocation path' })
  @Permission('runs:read')
  @ApiOkResponse({ standardSchema: drillsSchema })
  async list(
    @Param('id', { schema: id }) pathId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof drillsSchema>> {
    return this.transactions.run(by, async (db) => {
      if (!(await findDrillPath(db, pathId)))
        throw new Refused(refusal('not_found', 'no-path', 'There is no such revocation path.'));
      return { drills: await drillsOf(db, { pathId }) };
    });
  }

  @Get('drills/:id')
  @ApiOperation({ summary: 'Read a drill with what it showed' })
  @Permission('runs:read')
  @ApiOkResponse({ standardSchema: drillSchema })
  async get(@Param('id', { schema: id }) drillId: string, @By() by: Principal): Promise<DrillView> {
    const [found] = await this.transactions.run(by, (db) => drillsOf(db, { id: drillId }, 1));
    if (!found) throw new Refused(refusal('not_found', 'no-drill', 'There is no such drill.'));
    return found;
  }

  /** Records a throwaway credential that drills may kill. Whatever the portfolio knows as a credential is refused. */
  @Post('connections/:id/canaries')
  @ApiOperation({ summary: 'Add a canary that drills may revoke' })
  @Permission('connections:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: canarySchema })
  async addCanary(
    @Param('id', { schema: id }) connectionId: string,
    @Body({ schema: canaryInputSchema }) input: CanaryInput,
    @By() by: Principal,
  ): Promise<CanaryView> {
    return answered(await this.canaries.add(connectionId, input, by));
  }

  /** Newest first; never with their values. */
  @Get('connections/:id/canaries')
  @ApiOperation({ summary: 'List the canaries of a connection' })
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: canariesSchema })
  async listCanaries(
    @Param('id', { schema: id }) connectionId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof canariesSchema>> {
    return this.transactions.run(by, async (db) => {
      if (!(await findConnection(db, connectionId)))
        throw new Refused(refusal('not_found', 'no-connection', 'There is no such connection.'));
      return { canaries: await this.canaries.list(db, connectionId) };
    });
  }

  /** Takes a canary back; its value is destroyed. */
  @Delete('connections/:id/canaries/:canary')
  @ApiOperation({ summary: 'Withdraw a canary' })
  @Permission('connections:write')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Withdrawn' })
  async withdraw(
    @Param('id', { schema: id }) connectionId: string,
    @Param('canary', { schema: id }) canaryId: string,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.canaries.withdraw(connectionId, canaryId, by));
  }

  /** Names the connection to the same supplier where nothing is at stake: drills of this one run there. */
  @Put('connections/:id/sandbox')
  @ApiOperation({ summary: 'Name the sandbox of a connection' })
  @Permission('connections:write')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Named' })
  async setSandbox(
    @Param('id', { schema: id }) connectionId: string,
    @Body({ schema: sandboxSchema }) body: z.output<typeof sandboxSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.canaries.setSandbox(connectionId, body.sandboxConnectionId, by));
  }
}
