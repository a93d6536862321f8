import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Id } from '../kernel/ids.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { AccessDecisions } from '../domain/policy/access-decisions.service.ts';
import { checkOutcome } from '../domain/policy/access-review-outcome.ts';
import {
  decideItemsSchema,
  handOverSchema,
  openReviewSchema,
  reviewItemSchema,
  reviewPartSchema,
  reviewSchema,
  type DecideItems,
  type HandOver,
  type OpenReview,
  type ReviewItemView,
  type ReviewView,
} from '../domain/policy/access-review.schema.ts';
import {
  findReview,
  GROUPED_WHOLE,
  itemsInOrder,
  itemsOf,
  listReviews,
  partsOf,
} from '../domain/policy/access-reviews.queries.ts';
import { AccessReviewsService } from '../domain/policy/access-reviews.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions, type Db } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, nameCursorSchema, nameCursorText, pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  open: z.enum(['true', 'false']).optional().describe('true: only what is not finished'),
  cursor: cursorSchema.optional(),
  limit: pageLimit,
});
const partsQuery = z.strictObject({ cursor: id.optional(), limit: pageLimit });
const itemsQuery = z.strictObject({
  part: id.optional(),
  open: z.enum(['true', 'false']).optional().describe('true: only what is not decided'),
  group: z
    .enum(['person', 'credential'])
    .optional()
    .describe('All of one person or credential together; of a large review only within one part'),
  cursor: nameCursorSchema.optional(),
  limit: pageLimit,
});
const next = z.string().nullable();
const reviewsSchema = z.object({ reviews: z.array(reviewSchema), next }).meta({ id: 'AccessReviews' });
const partsSchema = z.object({ parts: z.array(reviewPartSchema), next }).meta({ id: 'AccessReviewParts' });
const itemsSchema = z.object({ items: z.array(reviewItemSchema), next }).meta({ id: 'AccessReviewItems' });
const openedSchema = z.object({ id, reference: z.string() }).meta({ id: 'OpenedAccessReview' });
const decidedSchema = z.object({ decided: z.int() }).meta({ id: 'DecidedAccess' });
const checkSchema = z
  .object({
    holds: z.boolean(),
    changed: z.array(id).describe('Parts that are not what they were when they finished'),
  })
  .meta({ id: 'AccessReviewCheck' });

@ApiTags('access reviews')
@Controller('api/v1/access-reviews')
export class AccessReviewsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly reviews: AccessReviewsService,
    private readonly decisions: AccessDecisions,
  ) {}

  /** Newest first. */
  @Get()
  @ApiOperation({ summary: 'List access reviews, newest first' })
  @Permission('reviews:read')
  @ApiOkResponse({ standardSchema: reviewsSchema })
  async list(
    @Query({ schema: listQuery }) { open, cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof reviewsSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      listReviews(db, { limit: limit + 1, after: cursor, open: open === 'true' }, this.clock.now()),
    );
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return { reviews: page, next: last ? cursorText({ at: Date.parse(last.openedAt), id: last.id }) : null };
  }

  /** Opens a campaign by hand. Monthly ones, and those for an event, open by themselves. */
  @Post()
  @ApiOperation({ summary: 'Open an access review by hand' })
  @Permission('reviews:open')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: openedSchema })
  async open(
    @Body({ schema: openReviewSchema }) input: OpenReview,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof openedSchema>> {
    const opened = answered(await this.reviews.openByHand(input, by));
    void reply.header('location', `/api/v1/access-reviews/${opened.id}`);
    return opened;
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read an access review' })
  @Permission('reviews:read')
  @ApiOkResponse({ standardSchema: reviewSchema })
  show(@Param('id', { schema: id }) reviewId: string, @By() by: Principal): Promise<ReviewView> {
    return this.transactions.run(by, (db) => this.#find(db, reviewId));
  }

  /** Who reviews what, and how far they are. */
  @Get(':id/parts')
  @ApiOperation({ summary: 'List the parts of an access review: who reviews what, and how far they are' })
  @Permission('reviews:read')
  @ApiOkResponse({ standardSchema: partsSchema })
  async parts(
    @Param('id', { schema: id }) reviewId: string,
    @Query({ schema: partsQuery }) { cursor, limit }: z.output<typeof partsQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof partsSchema>> {
    const rows = await this.transactions.run(by, async (db) => {
      await this.#find(db, reviewId);
      return partsOf(db, reviewId, { limit: limit + 1, after: cursor });
    });
    const parts = rows.slice(0, limit);
    return { parts, next: rows.length > limit ? (parts.at(-1)?.id ?? null) : null };
  }

  /** Who can view, rotate and revoke what, and what was decided about it. */
  @Get(':id/items')
  @ApiOperation({ summary: 'List who can view, rotate and revoke what, and what was decided' })
  @Permission('reviews:read')
  @ApiOkResponse({ standardSchema: itemsSchema })
  async items(
    @Param('id', { schema: id }) reviewId: string,
    @Query({ schema: itemsQuery }) { part, open, group, cursor, limit }: z.output<typeof itemsQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof itemsSchema>> {
    const filter = { limit: limit + 1, partId: part, open: open === 'true' };
    const rows = await this.transactions.run(
      by,
      async (db): Promise<(ReviewItemView & { group?: string })[]> => {
        const review = await this.#find(db, reviewId);
        if (group === undefined)
          return itemsInOrder(db, reviewId, {
            ...filter,
            after: cursor && { partId: cursor.id, number: Number(cursor.name) || 0 },
          });
        if (part === undefined && review.items > GROUPED_WHOLE) throw new Refused(tooLarge());
        return itemsOf(db, reviewId, { ...filter, by: group, after: cursor });
      },
    );
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    const cursorOf = ({ id: itemId, group: name, partId, number }: NonNullable<typeof last>) =>
      name === undefined
        ? nameCursorText({ name: String(number), id: partId })
        : nameCursorText({ name, id: itemId });
    return {
      items: page.map(({ group: _group, ...item }) => item),
      next: last ? cursorOf(last) : null,
    };
  }

  /** Keeps or removes; all of the items, or none. A removal becomes work at once. */
  @Post(':id/decisions')
  @ApiOperation({ summary: 'Keep or remove accesses: all of the items, or none' })
  @Permission('reviews:decide')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: decidedSchema })
  async decide(
    @Param('id', { schema: id }) reviewId: string,
    @Body({ schema: decideItemsSchema }) input: DecideItems,
    @By() by: Principal,
  ): Promise<z.infer<typeof decidedSchema>> {
    return answered(await this.decisions.decide(reviewId, input, by));
  }

  /** Gives a part to another reviewer. */
  @Post(':id/parts/:part/reviewer')
  @ApiOperation({ summary: 'Hand a part of an access review over to another reviewer' })
  @HttpCode(204)
  @Permission('reviews:open')
  @ApiNoContentResponse({ description: 'Handed over' })
  async handOver(
    @Param('id', { schema: id }) reviewId: string,
    @Param('part', { schema: id }) partId: string,
    @Body({ schema: handOverSchema }) input: HandOver,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.decisions.handOver(reviewId, partId, input, by));
  }

  /** Asks once more for a removal that failed. */
  @Post(':id/items/:item/retry')
  @ApiOperation({ summary: 'Ask once more for a removal that failed' })
  @HttpCode(204)
  @Permission('reviews:decide')
  @ApiNoContentResponse({ description: 'Asked for' })
  async retry(
    @Param('id', { schema: id }) reviewId: string,
    @Param('item', { schema: id }) itemId: string,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.decisions.retryRemoval(reviewId, itemId, by));
  }

  /** Whether what is stored still is what was hashed when each part finished. */
  @Get(':id/check')
  @ApiOperation({ summary: 'Check that what is stored still is what was hashed' })
  @Permission('reviews:read')
  @ApiOkResponse({ standardSchema: checkSchema })
  check(
    @Param('id', { schema: id }) reviewId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof checkSchema>> {
    return this.transactions.run(by, async (db) => {
      await this.#find(db, reviewId);
      return checkOutcome(db, reviewId);
    });
  }

  async #find(db: Db, reviewId: Id): Promise<ReviewView> {
    const found = await findReview(db, { id: reviewId }, this.clock.now());
    if (!found) throw new Refused(refusal('not_found', 'no-review', 'There is no such access review.'));
    return found;
  }
}

function tooLarge() {
  return refusal('invalid', 'too-large-to-group', 'The review is too large to be grouped as a whole.', {
    fields: [
      { field: '/part', problem: 'is missing', mend: 'Name one of its parts, or leave out the group.' },
    ],
  });
}
