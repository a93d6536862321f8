import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, PerMinute, Permission, Public } from '../domain/access/route.ts';
import { heldOf } from '../domain/releases/checkouts.queries.ts';
import { Checkouts, type Lease } from '../domain/releases/checkouts.service.ts';
import {
  askCheckoutSchema,
  checkoutSchema,
  heldSchema,
  releasedSchema,
  type AskCheckout,
  type CheckoutView,
} from '../domain/releases/release.schema.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const heldQuery = z.strictObject({
  credentialId: id.optional(),
  integrationId: id.optional(),
  open: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const heldListSchema = z.object({ checkouts: z.array(heldSchema) }).meta({ id: 'HeldCheckouts' });
const BY_ASSERTION =
  'a machine proves itself by a signed assertion, made for this address and good for one call';
type Released = z.infer<typeof releasedSchema>;

/** Data plane: machines that check values out. They send `Authorization: Bearer <assertion>` (RFC 7523 section 3). */
@ApiTags('checkouts')
@Controller('api/v1/checkouts')
export class CheckoutsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly checkouts: Checkouts,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Check a credential out',
    description:
      'Answers 201 with the value, once; or 202 where a named person has to consent. Asking again while it waits is answered with the same checkout, and with its value, once, after the consent; so is looking at it. Forget the value at expiresAt.',
  })
  @Public({ why: BY_ASSERTION, machines: true })
  @PerMinute(600)
  @ApiCreatedResponse({ standardSchema: releasedSchema })
  @ApiAcceptedResponse({ standardSchema: checkoutSchema })
  async open(
    @Body({ schema: askCheckoutSchema }) asked: AskCheckout,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Released> {
    const lease = answered(await this.checkouts.open(asked, by));
    void reply.header('location', `/api/v1/checkouts/${lease.view.id}`);
    if (lease.view.state === 'waiting') void reply.status(202).header('retry-after', '5');
    return released(lease, reply);
  }

  @Get()
  @ApiOperation({ summary: 'List who holds which credential, what is open first' })
  @Permission('machines:read')
  @ApiOkResponse({ standardSchema: heldListSchema })
  async list(
    @Query({ schema: heldQuery }) query: z.output<typeof heldQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof heldListSchema>> {
    return {
      checkouts: await this.transactions.run(by, (db) => heldOf(db, query, this.clock.now())),
    };
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Look at a checkout of one’s own',
    description: 'Releases the value once where consent was given since. A second look has no value.',
  })
  @Public({ why: BY_ASSERTION, machines: true })
  @PerMinute(600)
  @ApiOkResponse({ standardSchema: releasedSchema })
  async look(
    @Param('id', { schema: id }) checkoutId: string,
    @By() by: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Released> {
    return released(answered(await this.checkouts.look(checkoutId, request.method === 'GET', by)), reply);
  }

  @Post(':id/renewal')
  @ApiOperation({
    summary: 'Renew a checkout of one’s own',
    description: 'The value stays as it was given out.',
  })
  @Public({ why: BY_ASSERTION, machines: true })
  @PerMinute(600)
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: checkoutSchema })
  async renew(@Param('id', { schema: id }) checkoutId: string, @By() by: Principal): Promise<CheckoutView> {
    return answered(await this.checkouts.renew(checkoutId, by)).view;
  }

  @Delete(':id')
  @ApiOperation({ summary: 'Return a checkout of one’s own' })
  @Public({ why: BY_ASSERTION, machines: true })
  @PerMinute(600)
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Returned' })
  async giveBack(@Param('id', { schema: id }) checkoutId: string, @By() by: Principal): Promise<void> {
    answered(await this.checkouts.giveBack(checkoutId, by));
  }

  @Post(':id/revocation')
  @ApiOperation({
    summary: 'End a checkout that a machine holds',
    description:
      'It is told so and renews no more. What it has seen it has seen: revoke the credential to end that.',
  })
  @Permission('checkouts:end')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Ended' })
  async revoke(@Param('id', { schema: id }) checkoutId: string, @By() by: Principal): Promise<void> {
    await this.transactions.run(by, async (db) => answered(await this.checkouts.revoke(db, checkoutId, by)));
  }
}

/** The one place where a value becomes text, on its way out. */
function released({ view, value }: Lease, reply: FastifyReply): Released {
  void reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
  if (!value) return view;
  try {
    return value.use((text) => ({ ...view, value: text }));
  } finally {
    value.wipe();
  }
}
