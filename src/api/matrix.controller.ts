import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import {
  editMatrixSchema,
  inheritMatrixSchema,
  proposeMatrixSchema,
} from '../domain/responsibility/matrix-edit.schema.ts';
import { MatrixDraftsService } from '../domain/responsibility/matrix-drafts.service.ts';
import { MatrixProposalsService } from '../domain/responsibility/matrix-proposals.service.ts';
import { MatrixTemplates } from '../domain/responsibility/matrix-templates.ts';
import { workingMatrix } from '../domain/responsibility/matrix-views.queries.ts';
import { MATERIAL } from '../domain/responsibility/material-changes.rules.ts';
import { DUTIES } from '../domain/responsibility/matrix.rules.ts';
import {
  VERSION_STATES,
  workingMatrixSchema,
  type WorkingMatrix,
} from '../domain/responsibility/matrix.schema.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { IfMatch, versioned } from './etag.ts';

const id = z.uuid();
const editedSchema = z
  .object({
    rowVersion: z.int(),
    fell: z
      .array(z.object({ what: z.enum(MATERIAL), duty: z.enum(DUTIES).nullable(), part: z.string() }))
      .describe('What of the edit let signatures fall'),
    leftOut: z.array(z.object({ duty: z.enum(DUTIES), part: z.string(), why: z.string() })),
  })
  .meta({ id: 'EditedMatrix' });
const proposedSchema = z
  .object({
    versionId: z.uuid(),
    number: z.int(),
    state: z.enum(VERSION_STATES),
    invited: z.array(z.object({ partyId: z.uuid(), contactId: z.uuid() })),
  })
  .meta({ id: 'ProposedMatrix' });
const templatesSchema = z
  .object({
    templates: z.array(
      z.object({ key: z.string(), title: z.string(), version: z.int(), description: z.string() }),
    ),
  })
  .meta({ id: 'MatrixTemplates' });

/** The one draft of an integration's matrix, until it is proposed. */
@ApiTags('matrices')
@Controller('api/v1')
export class MatrixController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly drafts: MatrixDraftsService,
    private readonly proposals: MatrixProposalsService,
    private readonly known: MatrixTemplates,
  ) {}

  @Get('integrations/:id/matrix')
  @ApiOperation({
    summary: "Read the draft of an integration's responsibility matrix",
    description: 'With its findings and what of it nobody has signed.',
  })
  @Permission('matrices:read')
  @ApiOkResponse({ standardSchema: workingMatrixSchema })
  async get(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WorkingMatrix> {
    const found = await this.transactions.run(by, (db) => workingMatrix(db, integrationId, this.clock.now()));
    if (!found) throw new Refused(refusal('not_found', 'no-integration', 'There is no such integration.'));
    return versioned(reply, found);
  }

  @Patch('integrations/:id/matrix')
  @ApiOperation({
    summary: 'Set and remove cells of the draft matrix, all or none',
    description: 'A stale edit is told which cells changed since.',
  })
  @Permission('matrices:write')
  @ApiOkResponse({ standardSchema: editedSchema })
  async edit(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: editMatrixSchema }) edit: z.output<typeof editMatrixSchema>,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof editedSchema>> {
    return versioned(reply, answered(await this.drafts.edit(integrationId, edit, rowVersion, by)));
  }

  @Post('integrations/:id/matrix/inherit')
  @ApiOperation({
    summary: 'Fill the draft matrix from a template or another integration',
    description: 'What it says already is kept unless asked otherwise.',
  })
  @HttpCode(200)
  @Permission('matrices:write')
  @ApiOkResponse({ standardSchema: editedSchema })
  async inherit(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: inheritMatrixSchema }) from: z.output<typeof inheritMatrixSchema>,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof editedSchema>> {
    return versioned(reply, answered(await this.drafts.inherit(integrationId, from, rowVersion, by)));
  }

  @Delete('integrations/:id/matrix')
  @ApiOperation({ summary: 'Discard the draft matrix' })
  @HttpCode(204)
  @Permission('matrices:write')
  async discard(
    @Param('id', { schema: id }) integrationId: string,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.drafts.discard(integrationId, rowVersion, by));
  }

  @Post('integrations/:id/matrix/propose')
  @ApiOperation({
    summary: 'Propose the draft matrix for countersigning',
    description: 'Freezes it as a version and lays that before everybody who must sign.',
  })
  @Permission('matrices:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: proposedSchema })
  async propose(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: proposeMatrixSchema }) input: z.output<typeof proposeMatrixSchema>,
    @IfMatch() rowVersion: number,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof proposedSchema>> {
    const proposed = answered(await this.proposals.propose(integrationId, input, rowVersion, by));
    void reply.header('location', `/api/v1/matrices/${proposed.versionId}`);
    return proposed;
  }

  @Get('matrix-templates')
  @ApiOperation({ summary: 'List the templates that a matrix can be filled from' })
  @Permission('matrices:read')
  @ApiOkResponse({ standardSchema: templatesSchema })
  templates(): z.infer<typeof templatesSchema> {
    return {
      templates: this.known
        .all()
        .map(({ matrix, title, version, description }) => ({ key: matrix, title, version, description })),
    };
  }
}
