import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import { isId } from '../kernel/ids.ts';
import type { Principal } from '../kernel/principal.ts';
import type { WantedVersion } from '../kernel/row-version.ts';
import { By, Idempotent, Permission, PerMinute } from '../domain/access/route.ts';
import {
  DELIVERY_STATES,
  editSubscriptionSchema,
  keyShownSchema,
  newSubscriptionSchema,
  rotateKeySchema,
  signalDeliveryDetailSchema,
  signalDeliverySchema,
  subscriptionSchema,
  type SignalDeliveryDetail,
  type SubscriptionView,
} from '../domain/signals/subscription.schema.ts';
import {
  deliveriesOf,
  deliveryOf,
  subscriptionRow,
  subscriptionRows,
  subscriptionView,
} from '../domain/signals/subscriptions.queries.ts';
import { SubscriptionsService, type KeyShown } from '../domain/signals/subscriptions.service.ts';
import { Transactions, type Db } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';
import { IfMatchAny, versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  partyId: id.optional(),
  limit: pageLimit,
  cursor: z.string().refine(isId, 'is no cursor that a list gave').optional(),
});
const deliveriesQuery = z.strictObject({
  state: z.enum(DELIVERY_STATES).optional(),
  limit: pageLimit,
  cursor: cursorSchema.optional(),
});
const subscriptionsSchema = z
  .object({ subscriptions: z.array(subscriptionSchema), next: z.string().nullable() })
  .meta({ id: 'Subscriptions' });
const deliveriesSchema = z
  .object({ deliveries: z.array(signalDeliverySchema), next: z.string().nullable() })
  .meta({ id: 'SignalDeliveries' });
const testedSchema = z
  .object({ deliveryId: id.describe('Look it up in the log') })
  .meta({ id: 'SubscriptionTested' });

/** Endpoints that are told what happens, by Standard Webhooks; streams of tokens stand in the same list. */
@ApiTags('signals')
@Controller('api/v1/subscriptions')
export class SubscriptionsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly subscriptions: SubscriptionsService,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List subscriptions, the oldest first',
    description: 'A party sees its own. Streams of Security Event Tokens are among them.',
  })
  @Permission('signals:read')
  @ApiOkResponse({ standardSchema: subscriptionsSchema })
  async list(
    @Query({ schema: listQuery }) { partyId, limit, cursor }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof subscriptionsSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      subscriptionRows(db, { limit: limit + 1, after: cursor, partyId }),
    );
    const page = rows.slice(0, limit);
    return {
      subscriptions: page.map(subscriptionView),
      next: rows.length > limit ? page.at(-1)!.id : null,
    };
  }

  @Post()
  @ApiOperation({
    summary: 'Subscribe an endpoint to what happens',
    description: 'The shared secret is in this answer and in no other.',
  })
  @Permission('signals:write')
  @Idempotent('once')
  @ApiCreatedResponse({ standardSchema: keyShownSchema })
  async create(
    @Body({ schema: newSubscriptionSchema }) input: z.output<typeof newSubscriptionSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof keyShownSchema>> {
    const made = answered(await this.subscriptions.create(input, by));
    void reply.header('location', `/api/v1/subscriptions/${made.subscription.id}`);
    return shownOnce(reply, made);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a subscription, without its secrets' })
  @Permission('signals:read')
  @ApiOkResponse({ standardSchema: subscriptionSchema })
  async get(
    @Param('id', { schema: id }) subscriptionId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SubscriptionView> {
    return versioned(reply, await this.transactions.run(by, (db) => found(db, subscriptionId)));
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change the address, the events or the state of an endpoint' })
  @Permission('signals:write')
  @ApiOkResponse({ standardSchema: subscriptionSchema })
  async edit(
    @Param('id', { schema: id }) subscriptionId: string,
    @IfMatchAny() version: WantedVersion,
    @Body({ schema: editSubscriptionSchema }) change: z.output<typeof editSubscriptionSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SubscriptionView> {
    return versioned(reply, answered(await this.subscriptions.edit(subscriptionId, version, change, by)));
  }

  @Delete(':id')
  @ApiOperation({ summary: 'End a subscription and destroy its secrets' })
  @HttpCode(204)
  @Permission('signals:write')
  @ApiNoContentResponse({ description: 'Ended; what waited is given up' })
  async remove(@Param('id', { schema: id }) subscriptionId: string, @By() by: Principal): Promise<void> {
    answered(await this.subscriptions.remove(subscriptionId, by));
  }

  @Post(':id/keys')
  @ApiOperation({
    summary: 'Rotate the signing key of an endpoint',
    description: 'Both keys sign until the overlap ends. The new secret is in this answer and in no other.',
  })
  @Permission('signals:write')
  @Idempotent('once')
  @ApiCreatedResponse({ standardSchema: keyShownSchema })
  async rotateKey(
    @Param('id', { schema: id }) subscriptionId: string,
    @Body({ schema: rotateKeySchema }) input: z.output<typeof rotateKeySchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof keyShownSchema>> {
    return shownOnce(reply, answered(await this.subscriptions.rotateKey(subscriptionId, input, by)));
  }

  @Delete(':id/keys/:keyId')
  @ApiOperation({ summary: 'Retire a signing key before its overlap ends' })
  @Permission('signals:write')
  @ApiOkResponse({ standardSchema: subscriptionSchema })
  async retireKey(
    @Param('id', { schema: id }) subscriptionId: string,
    @Param('keyId', { schema: id }) keyId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SubscriptionView> {
    return versioned(reply, answered(await this.subscriptions.retireKey(subscriptionId, keyId, by)));
  }

  @Post(':id/test')
  @ApiOperation({ summary: 'Send a test message to an endpoint' })
  @HttpCode(202)
  @Permission('signals:write')
  @PerMinute(20)
  @ApiAcceptedResponse({ standardSchema: testedSchema })
  async test(
    @Param('id', { schema: id }) subscriptionId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof testedSchema>> {
    return { deliveryId: answered(await this.subscriptions.test(subscriptionId, by)) };
  }

  @Get(':id/deliveries')
  @ApiOperation({ summary: 'List what was sent to a subscription, the newest first' })
  @Permission('signals:read')
  @ApiOkResponse({ standardSchema: deliveriesSchema })
  async deliveries(
    @Param('id', { schema: id }) subscriptionId: string,
    @Query({ schema: deliveriesQuery }) { state, limit, cursor }: z.output<typeof deliveriesQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof deliveriesSchema>> {
    const rows = await this.transactions.run(by, async (db) => {
      await found(db, subscriptionId);
      return deliveriesOf(db, subscriptionId, { limit: limit + 1, after: cursor, state });
    });
    const deliveries = rows.slice(0, limit);
    const last = rows.length > limit ? deliveries.at(-1) : undefined;
    return { deliveries, next: last ? cursorText({ at: Date.parse(last.createdAt), id: last.id }) : null };
  }

  @Get(':id/deliveries/:deliveryId')
  @ApiOperation({ summary: 'Read one message, with every attempt and what was answered' })
  @Permission('signals:read')
  @ApiOkResponse({ standardSchema: signalDeliveryDetailSchema })
  async delivery(
    @Param('id', { schema: id }) subscriptionId: string,
    @Param('deliveryId', { schema: id }) deliveryId: string,
    @By() by: Principal,
  ): Promise<SignalDeliveryDetail> {
    const one = await this.transactions.run(by, (db) => deliveryOf(db, subscriptionId, deliveryId));
    if (!one)
      throw new Refused(refusal('not_found', 'no-such-delivery', 'The subscription has no such message.'));
    return one;
  }

  @Post(':id/deliveries/:deliveryId/send')
  @ApiOperation({
    summary: 'Send one message again, under the same id',
    description: 'One further attempt at once, whatever became of it before.',
  })
  @HttpCode(202)
  @Permission('signals:write')
  @PerMinute(60)
  @ApiAcceptedResponse({ standardSchema: testedSchema })
  async sendAgain(
    @Param('id', { schema: id }) subscriptionId: string,
    @Param('deliveryId', { schema: id }) deliveryId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof testedSchema>> {
    answered(await this.subscriptions.sendAgain(subscriptionId, deliveryId, by));
    return { deliveryId };
  }
}

async function found(db: Db, subscriptionId: string): Promise<SubscriptionView> {
  const row = await subscriptionRow(db, subscriptionId);
  if (!row) throw new Refused(refusal('not_found', 'no-such-subscription', 'There is no such subscription.'));
  return subscriptionView(row);
}

/** The one time that the secret is seen: the caller asked for it, over their own connection. */
function shownOnce(reply: FastifyReply, made: KeyShown): z.infer<typeof keyShownSchema> {
  void reply.header('cache-control', 'no-store');
  versioned(reply, made.subscription);
  return {
    subscription: made.subscription,
    secret: made.secret?.use((value) => value) ?? null,
    publicKey: made.publicKey,
  };
}
