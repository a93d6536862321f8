import { Body, Controller, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import type { WantedVersion } from '../kernel/row-version.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import {
  editIntegrationSchema,
  INTEGRATION_STATES,
  integrationLineSchema,
  newIntegrationSchema,
} from '../domain/integrations/integration.schema.ts';
import { findIntegration, listIntegrations } from '../domain/integrations/integrations.queries.ts';
import { IntegrationsService } from '../domain/integrations/integrations.service.ts';
import { PARTY_ROLES } from '../domain/parties/party.schema.ts';
import { integrationView } from '../domain/portfolio/overview.queries.ts';
import { integrationViewSchema, type IntegrationView } from '../domain/portfolio/overview.schema.ts';
import { matrixInForce, matrixVersions } from '../domain/responsibility/matrices.queries.ts';
import { matrixViewSchema } from '../domain/responsibility/matrix.schema.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { namedListQuery, pageByName } from './cursor.ts';
import { IfMatchAny, versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  ...namedListQuery,
  state: z.enum(INTEGRATION_STATES).optional(),
  riskTier: z.coerce.number().int().min(1).max(4).optional(),
  partyId: id.optional().describe('Integrations that the party is in'),
  role: z.enum(PARTY_ROLES).optional().describe('With partyId: in which role'),
  ownerContactId: id.optional(),
});
const integrationsSchema = z
  .object({ integrations: z.array(integrationLineSchema), next: z.string().nullable() })
  .meta({ id: 'Integrations' });
const matricesSchema = z
  .object({
    inForce: matrixViewSchema.nullable(),
    versions: z
      .array(matrixViewSchema.omit({ rows: true, gaps: true, shared: true, inForce: true }))
      .describe('Newest first'),
  })
  .meta({ id: 'Matrices' });

@ApiTags('portfolio')
@Controller('api/v1/integrations')
export class IntegrationsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly integrations: IntegrationsService,
    private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List integrations, by name',
    description: "A party's own people see the integrations that their party is in.",
  })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: integrationsSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof integrationsSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      listIntegrations(db, { ...query, limit: query.limit + 1 }),
    );
    const { page, next } = pageByName(rows, query.limit, 'name');
    return { integrations: page, next };
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Read an integration',
    description:
      'With its parties, the matrix in force and its gaps, its credentials, their versions, copies and stoppers.',
  })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: integrationViewSchema })
  async get(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IntegrationView> {
    const found = await this.transactions.run(by, (db) =>
      integrationView(db, integrationId, this.clock.now()),
    );
    if (!found) throw new Refused(notFound());
    return versioned(reply, found);
  }

  @Post()
  @ApiOperation({
    summary: 'Add an integration as a draft',
    description: 'Many at once: import a portfolio.',
  })
  @Permission('portfolio:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: integrationViewSchema })
  async create(
    @Body({ schema: newIntegrationSchema }) input: z.output<typeof newIntegrationSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IntegrationView> {
    const made = await this.transactions.run(by, async (db) => {
      const { id: integrationId } = answered(await this.integrations.create(db, input, by));
      return (await integrationView(db, integrationId, this.clock.now()))!;
    });
    void reply.header('location', `/api/v1/integrations/${made.id}`);
    return versioned(reply, made);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change the owner, purpose, tier or other facts of an integration' })
  @Permission('portfolio:write')
  @ApiOkResponse({ standardSchema: integrationViewSchema })
  async edit(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: editIntegrationSchema }) edit: z.output<typeof editIntegrationSchema>,
    @IfMatchAny() rowVersion: WantedVersion,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IntegrationView> {
    const edited = await this.transactions.run(by, async (db) => {
      answered(await this.integrations.edit(db, integrationId, edit, rowVersion, by));
      return (await integrationView(db, integrationId, this.clock.now()))!;
    });
    return versioned(reply, edited);
  }

  @Get(':id/matrices')
  @ApiOperation({ summary: "List the versions of an integration's responsibility matrix" })
  @Permission('matrices:read')
  @ApiOkResponse({ standardSchema: matricesSchema })
  async matrices(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof matricesSchema>> {
    const found = await this.transactions.run(by, async (db) => {
      if (!(await findIntegration(db, integrationId))) return undefined;
      return {
        inForce: (await matrixInForce(db, integrationId, this.clock.now())) ?? null,
        versions: await matrixVersions(db, integrationId),
      };
    });
    if (!found) throw new Refused(notFound());
    return found;
  }
}

function notFound() {
  return refusal('not_found', 'no-integration', 'There is no such integration.');
}
