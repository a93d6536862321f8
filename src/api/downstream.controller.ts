import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import type { WantedVersion } from '../kernel/row-version.ts';
import { By, Permission } from '../domain/access/route.ts';
import { downstreamItems } from '../domain/incidents/downstream.queries.ts';
import { DOWNSTREAM_STATES } from '../domain/incidents/downstream.rules.ts';
import {
  assignDownstreamSchema,
  downstreamItemSchema,
  downstreamItemsSchema,
  reopenDownstreamSchema,
  settleDownstreamSchema,
  type DownstreamItemView,
} from '../domain/incidents/downstream.schema.ts';
import { DownstreamService } from '../domain/incidents/downstream.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';
import { IfMatchAny, versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  incident: id.optional(),
  state: z.enum(DOWNSTREAM_STATES).optional(),
  cursor: cursorSchema.optional(),
  limit: pageLimit,
});

@ApiTags('incidents')
@Controller('api/v1/downstream-items')
export class DownstreamController {
  constructor(
    private readonly transactions: Transactions,
    private readonly downstream: DownstreamService,
    private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List what exposed credentials reached, by when it has to be looked at',
    description: 'A party sees what is its own to do.',
  })
  @Permission('cases:read')
  @ApiOkResponse({ standardSchema: downstreamItemsSchema })
  async list(
    @Query({ schema: listQuery }) { incident, state, cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof downstreamItemsSchema>> {
    const items = await this.transactions.run(by, (db) =>
      downstreamItems(
        db,
        {
          ...(incident ? { incidentId: incident } : {}),
          ...(state ? { state } : {}),
          ...(cursor ? { after: cursor } : {}),
          limit,
        },
        this.clock.now(),
      ),
    );
    const last = items.at(-1);
    return {
      items,
      next: last && items.length === limit ? cursorText({ at: Date.parse(last.dueAt), id: last.id }) : null,
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read one thing that an exposed credential reached' })
  @Permission('cases:read')
  @ApiOkResponse({ standardSchema: downstreamItemSchema })
  async read(
    @Param('id', { schema: id }) itemId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DownstreamItemView> {
    const [item] = await this.transactions.run(by, (db) =>
      downstreamItems(db, { id: itemId, limit: 1 }, this.clock.now()),
    );
    if (!item) throw new Refused(refusal('not_found', 'no-item', 'There is no such item.'));
    return versioned(reply, item);
  }

  @Post(':id/settle')
  @ApiOperation({
    summary: 'Say that what a credential reached was looked for and treated, or why nobody will',
  })
  @HttpCode(200)
  @Permission('statements:sign')
  @ApiOkResponse({ standardSchema: downstreamItemSchema })
  async settle(
    @Param('id', { schema: id }) itemId: string,
    @Body({ schema: settleDownstreamSchema }) input: z.output<typeof settleDownstreamSchema>,
    @By() by: Principal,
  ): Promise<DownstreamItemView> {
    return answered(await this.downstream.settle(itemId, input, by));
  }

  @Post(':id/reopening')
  @ApiOperation({ summary: 'Open what was settled again, with a reason' })
  @HttpCode(200)
  @Permission('statements:sign')
  @ApiOkResponse({ standardSchema: downstreamItemSchema })
  async reopen(
    @Param('id', { schema: id }) itemId: string,
    @Body({ schema: reopenDownstreamSchema }) { reason }: z.output<typeof reopenDownstreamSchema>,
    @By() by: Principal,
  ): Promise<DownstreamItemView> {
    return answered(await this.downstream.reopen(itemId, reason, by));
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Hand an item to another owner, or set another end' })
  @Permission('incidents:act')
  @ApiOkResponse({ standardSchema: downstreamItemSchema })
  async assign(
    @Param('id', { schema: id }) itemId: string,
    @Body({ schema: assignDownstreamSchema }) input: z.output<typeof assignDownstreamSchema>,
    @IfMatchAny() rowVersion: WantedVersion,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DownstreamItemView> {
    return versioned(reply, answered(await this.downstream.assign(itemId, input, rowVersion, by)));
  }
}
