import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Req } from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission, Takes } from '../domain/access/route.ts';
import { EVENT_MEDIA, isEventMedia, readEvents } from '../domain/usage/read-events.ts';
import { feedsOf, usageOf } from '../domain/usage/usage.queries.ts';
import {
  credentialUsageSchema,
  feedKey,
  knownActorsSchema,
  MOST_EVENTS,
  USAGE_BODY_LIMIT,
  usageFeedInputSchema,
  usageFeedSchema,
  usageReceiptSchema,
  type CredentialUsage,
  type UsageFeedInput,
  type UsageReceipt,
} from '../domain/usage/usage.schema.ts';
import { UsageService } from '../domain/usage/usage.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const feedQuery = z.strictObject({
  feed: feedKey.optional().describe('The feed that reports; absent: the token is its own'),
});
const feedsSchema = z.object({ feeds: z.array(usageFeedSchema) }).meta({ id: 'UsageFeeds' });

@ApiTags('usage')
@Controller('api/v1')
export class UsageController {
  constructor(
    private readonly usage: UsageService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Post('usage-events')
  @ApiOperation({
    summary: 'Report the use of credentials',
    description:
      'One event (schema UsageEvent), a JSON array of them, or one a line as JSON Lines; at most 10,000 and 8 MB. Each is taken or refused by itself, and an event that the feed reported before changes nothing: a lost answer is mended by sending the batch again. An empty array is a sign of life. Never send a value.',
  })
  @HttpCode(200)
  @Permission('usage:report')
  @Takes('raw', { limit: USAGE_BODY_LIMIT })
  @ApiConsumes(...EVENT_MEDIA)
  @ApiBody({
    required: true,
    schema: {
      anyOf: [
        { $ref: '#/components/schemas/UsageEvent' },
        { type: 'array', maxItems: MOST_EVENTS, items: { $ref: '#/components/schemas/UsageEvent' } },
      ],
    },
  })
  @ApiOkResponse({ standardSchema: usageReceiptSchema })
  async report(
    @Query({ schema: feedQuery }) { feed }: z.output<typeof feedQuery>,
    @Req() request: FastifyRequest,
    @By() by: Principal,
  ): Promise<UsageReceipt> {
    const media = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
    if (!isEventMedia(media)) {
      throw new Refused(
        refusal(
          'invalid',
          'unsupported-media-type',
          'The content type does not tell the format of the events.',
          {
            fields: [
              {
                field: 'content-type',
                problem: 'is none of the formats of events',
                mend: `Send one of ${EVENT_MEDIA.join(', ')}.`,
              },
            ],
          },
        ),
      );
    }
    const body = request.body as Buffer | undefined;
    const read = answered(readEvents(body ?? Buffer.alloc(0), media));
    return answered(await this.usage.receive(read, feed ?? null, by));
  }

  @Put('usage-feeds/:key')
  @ApiOperation({
    summary: 'Say what is known of the clock of a feed, and how long it may be silent',
    description: 'Of a feed that has reported before; an empty array of events is enough.',
  })
  @HttpCode(204)
  @Permission('sources:write')
  @ApiNoContentResponse({ description: 'Known from now on' })
  async describe(
    @Param('key', { schema: feedKey }) key: string,
    @Body({ schema: usageFeedInputSchema }) input: UsageFeedInput,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.usage.describeFeed(key, input, by));
  }

  @Get('usage-feeds')
  @ApiOperation({ summary: 'List the feeds that report use, and which are silent' })
  @Permission('usage:read')
  @ApiOkResponse({ standardSchema: feedsSchema })
  async feeds(@By() by: Principal): Promise<z.infer<typeof feedsSchema>> {
    return {
      feeds: await this.transactions.run(by, (db) => feedsOf(db, this.clock.now())),
    };
  }

  @Get('credentials/:id/usage')
  @ApiOperation({
    summary: 'Read when a credential was last used, by version and location',
    description: 'What no feed reported is not "never used".',
  })
  @Permission('usage:read')
  @ApiOkResponse({ standardSchema: credentialUsageSchema })
  async usageOf(
    @Param('id', { schema: id }) credentialId: string,
    @By() by: Principal,
  ): Promise<CredentialUsage> {
    return this.transactions.run(by, async (db) => {
      const [known] = await db.query<unknown[]>(`SELECT FROM credential WHERE id = $1`, [credentialId]);
      if (!known) throw new Refused(refusal('not_found', 'no-credential', 'There is no such credential.'));
      return usageOf(db, credentialId);
    });
  }

  @Put('credentials/:id/known-actors')
  @ApiOperation({ summary: 'Say who uses a credential as they should' })
  @HttpCode(204)
  @Permission('portfolio:write')
  @ApiNoContentResponse({ description: 'Known from now on' })
  async declare(
    @Param('id', { schema: id }) credentialId: string,
    @Body({ schema: knownActorsSchema }) { actors }: z.output<typeof knownActorsSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.usage.declareActors(credentialId, actors, by));
  }
}
