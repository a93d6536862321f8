import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { Secret } from '../kernel/secret.ts';
import type { WantedVersion } from '../kernel/row-version.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import {
  addKeySchema,
  createSourceSchema,
  editSourceSchema,
  polledSchema,
  sourceSchema,
  type Polling,
  type SourceView,
} from '../domain/exposures/source.schema.ts';
import {
  DeliveryLog,
  LOGGED,
  deliverySchema,
  replayedSchema,
  type LogPart,
  type Replayed,
} from '../domain/exposures/delivery-log.service.ts';
import { refusedCountSchema } from '../domain/exposures/refused-deliveries.service.ts';
import { SourcePolls } from '../domain/exposures/source-polls.service.ts';
import { SourcesService } from '../domain/exposures/sources.service.ts';
import { answered } from './answered.ts';
import { nameCursorSchema, pageByName, pageLimit } from './cursor.ts';
import { IfMatchAny, versioned } from './etag.ts';

const id = z.uuid();
const sourcesQuery = z.strictObject({ limit: pageLimit, cursor: nameCursorSchema.optional() });
const sourcesSchema = z
  .object({ sources: z.array(sourceSchema), next: z.string().nullable() })
  .meta({ id: 'Sources' });
const deliveriesQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: id.optional().describe('The id of the delivery that the page before ended with'),
  only: z.enum(LOGGED).optional().describe('What was taken or what was refused; absent: both'),
});
const elsewhereQuery = deliveriesQuery.omit({ only: true });
const deliveriesSchema = z
  .object({
    deliveries: z.array(deliverySchema),
    next: id.nullable(),
    refused: z
      .array(refusedCountSchema)
      .describe(
        'How many were refused, by reason; the first 20 of an hour and reason are kept one by one, for 30 days',
      ),
  })
  .meta({ id: 'SourceDeliveries' });

@ApiTags('sources')
@Controller('api/v1/sources')
export class SourcesController {
  constructor(
    private readonly sources: SourcesService,
    private readonly log: DeliveryLog,
    private readonly polls: SourcePolls,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List sources of exposure reports, by key' })
  @Permission('sources:read')
  @ApiOkResponse({ standardSchema: sourcesSchema })
  async list(
    @Query({ schema: sourcesQuery }) { limit, cursor }: z.output<typeof sourcesQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof sourcesSchema>> {
    const rows = await this.sources.list(by, { limit: limit + 1, ...(cursor ? { after: cursor.name } : {}) });
    const { page, next } = pageByName(rows, limit, 'key');
    return { sources: page, next };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a source, without its keys' })
  @Permission('sources:read')
  @ApiOkResponse({ standardSchema: sourceSchema })
  async get(
    @Param('id', { schema: id }) sourceId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceView> {
    return versioned(reply, answered(await this.sources.get(sourceId, by)));
  }

  @Post()
  @ApiOperation({
    summary: 'Create a source of exposure reports',
    description: 'Keys and the token are write-only: no answer ever holds them.',
  })
  @Permission('sources:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: sourceSchema })
  async create(
    @Body({ schema: createSourceSchema }) input: z.output<typeof createSourceSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceView> {
    const made = answered(await this.sources.create(input, by));
    void reply.header('location', `/api/v1/sources/${made.id}`);
    return versioned(reply, made);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change the name, trust, quota or other facts of a source' })
  @Permission('sources:write')
  @ApiOkResponse({ standardSchema: sourceSchema })
  async edit(
    @Param('id', { schema: id }) sourceId: string,
    @IfMatchAny() version: WantedVersion,
    @Body({ schema: editSourceSchema }) change: z.output<typeof editSourceSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceView> {
    return versioned(reply, answered(await this.sources.edit(sourceId, version, change, by)));
  }

  @Post(':id/keys')
  @ApiOperation({
    summary: 'Add a key to a source',
    description: 'The others stay good until they are retired.',
  })
  @Permission('sources:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: sourceSchema })
  async addKey(
    @Param('id', { schema: id }) sourceId: string,
    @Body({ schema: addKeySchema }) { key }: z.output<typeof addKeySchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceView> {
    return versioned(reply, answered(await this.sources.addKey(sourceId, Secret.of(key), by)));
  }

  @Delete(':id/keys/:keyId')
  @ApiOperation({ summary: 'Retire a key of a source' })
  @Permission('sources:write')
  @ApiOkResponse({ standardSchema: sourceSchema })
  async retireKey(
    @Param('id', { schema: id }) sourceId: string,
    @Param('keyId', { schema: id }) keyId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceView> {
    return versioned(reply, answered(await this.sources.retireKey(sourceId, keyId, by)));
  }

  @Post(':id/poll')
  @ApiOperation({
    summary: 'Ask a source for its deliveries now',
    description: 'Also before its turn. What comes is stored and acknowledged as if it were.',
  })
  @HttpCode(200)
  @Permission('sources:write')
  @ApiOkResponse({ standardSchema: polledSchema })
  async poll(@Param('id', { schema: id }) sourceId: string, @By() by: Principal): Promise<Polling> {
    return answered(await this.polls.askNow(sourceId, by));
  }

  @Get(':id/deliveries')
  @ApiOperation({
    summary: 'List what a source delivered and what was refused in its name, newest first',
    description: 'No body is kept.',
  })
  @Permission('sources:read')
  @ApiOkResponse({ standardSchema: deliveriesSchema })
  async deliveries(
    @Param('id', { schema: id }) sourceId: string,
    @Query({ schema: deliveriesQuery }) { limit, before, only }: z.output<typeof deliveriesQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof deliveriesSchema>> {
    const asked = { limit: limit + 1, ...(before ? { before } : {}), only };
    return pageOf(answered(await this.log.list(sourceId, asked, by)), limit);
  }

  @Get('refused-deliveries')
  @ApiOperation({ summary: 'List what was refused because there is no source at the address, newest first' })
  @Permission('sources:read')
  @ApiOkResponse({ standardSchema: deliveriesSchema })
  async elsewhere(
    @Query({ schema: elsewhereQuery }) { limit, before }: z.output<typeof elsewhereQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof deliveriesSchema>> {
    return pageOf(await this.log.elsewhere({ limit: limit + 1, ...(before ? { before } : {}) }, by), limit);
  }

  @Post('deliveries/:id/replay')
  @ApiOperation({
    summary: 'Go through a delivery once more',
    description:
      'What is in triage is matched anew, or its value is asked for anew. What was accepted or dismissed stays.',
  })
  @HttpCode(200)
  @Permission('sources:write')
  @ApiOkResponse({ standardSchema: replayedSchema })
  async replay(@Param('id', { schema: id }) deliveryId: string, @By() by: Principal): Promise<Replayed> {
    return answered(await this.log.replay(deliveryId, by));
  }
}

/** Of one more than was asked for. */
function pageOf({ deliveries: rows, refused }: LogPart, limit: number): z.infer<typeof deliveriesSchema> {
  const deliveries = rows.slice(0, limit);
  return { deliveries, next: rows.length > limit ? (deliveries.at(-1)?.id ?? null) : null, refused };
}
