import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { ELAPSED_DAY, iso } from '../kernel/time.ts';
import { createTokenSchema, createdTokenSchema, tokenSchema } from '../domain/access/access.schema.ts';
import { AccessQueries, type TokenView } from '../domain/access/access.queries.ts';
import { AccessService } from '../domain/access/access.service.ts';
import { AccountsService } from '../domain/access/accounts.service.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';

const id = z.uuid();
const tokensQuery = z.strictObject({ limit: pageLimit, cursor: cursorSchema.optional() });

@ApiTags('access')
@Controller('api/v1/tokens')
export class TokensController {
  constructor(
    private readonly access: AccessService,
    private readonly accounts: AccountsService,
    private readonly transactions: Transactions,
    private readonly queries: AccessQueries,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List API tokens, newest first, without their values' })
  @Permission('tokens:read')
  @ApiOkResponse({
    standardSchema: z
      .object({ tokens: z.array(tokenSchema), next: z.string().nullable() })
      .meta({ id: 'Tokens' }),
  })
  async list(
    @Query({ schema: tokensQuery }) { limit, cursor }: z.output<typeof tokensQuery>,
    @By() by: Principal,
  ): Promise<{ tokens: TokenView[]; next: string | null }> {
    const rows = await this.queries.tokens(by, { limit: limit + 1, after: cursor });
    const tokens = rows.slice(0, limit);
    const last = rows.length > limit ? tokens.at(-1) : undefined;
    return { tokens, next: last ? cursorText({ at: Date.parse(last.createdAt), id: last.id }) : null };
  }

  @Post()
  @ApiOperation({ summary: 'Create an API token; its value is shown this once' })
  @Permission('tokens:create')
  @Idempotent('once')
  @ApiCreatedResponse({ standardSchema: createdTokenSchema })
  async create(
    @Body({ schema: createTokenSchema }) input: z.infer<typeof createTokenSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof createdTokenSchema>> {
    const expiresAt =
      input.expiresAt === undefined ? this.clock.now() + 90 * ELAPSED_DAY : Date.parse(input.expiresAt);
    const created = answered(await this.access.createToken({ ...input, expiresAt }, by));
    void reply.header('cache-control', 'no-store').header('location', `/api/v1/tokens/${created.id}`);
    // The one time that the value is seen: the caller asked for it, over their own connection.
    return { id: created.id, value: created.value.use((value) => value), expiresAt: iso(created.expiresAt) };
  }

  @Delete(':id')
  @ApiOperation({ summary: 'Revoke an API token' })
  @HttpCode(204)
  @Permission('tokens:create')
  @ApiNoContentResponse({ description: 'Revoked: at once, and for good' })
  async revoke(@Param('id', { schema: id }) tokenId: string, @By() by: Principal): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.accounts.revokeToken(db, tokenId, by)));
  }
}
