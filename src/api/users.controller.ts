import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { err } from '../kernel/result.ts';
import { Secret } from '../kernel/secret.ts';
import {
  chooseLanguageSchema,
  createUserSchema,
  createdUserSchema,
  meSchema,
  userSchema,
} from '../domain/access/access.schema.ts';
import { AccessQueries, type UserView } from '../domain/access/access.queries.ts';
import { AccessService } from '../domain/access/access.service.ts';
import { AccountsService } from '../domain/access/accounts.service.ts';
import { grantsOf } from '../domain/access/permissions.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { nameCursorSchema, pageByName, pageLimit } from './cursor.ts';

const nothing = z.strictObject({});
const usersQuery = z.strictObject({ limit: pageLimit, cursor: nameCursorSchema.optional() });

@ApiTags('access')
@Controller('api/v1')
export class UsersController {
  constructor(
    private readonly access: AccessService,
    private readonly accounts: AccountsService,
    private readonly transactions: Transactions,
    private readonly queries: AccessQueries,
  ) {}

  @Get('me')
  @ApiOperation({ summary: 'Read who asks: the token or user, and its roles' })
  @Permission('self:read')
  @ApiOkResponse({ standardSchema: meSchema })
  me(@Query({ schema: nothing }) _query: object, @By() by: Principal): z.infer<typeof meSchema> {
    const permissions = by.permissions ?? [...new Set(by.roles.flatMap((role) => grantsOf(role)))];
    return {
      kind: by.kind,
      id: by.id,
      roles: [...by.roles],
      permissions: [...permissions],
      partyId: by.partyId,
    };
  }

  @Put('me/language')
  @ApiOperation({ summary: 'Say in which language one is written to' })
  @HttpCode(204)
  @Permission('self:write')
  @ApiNoContentResponse({ description: 'Every mail to the account from now on' })
  async speak(
    @Body({ schema: chooseLanguageSchema }) { language }: z.output<typeof chooseLanguageSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(
      by.kind === 'user'
        ? await this.transactions.run({ ...by, partyId: null }, (db) =>
            this.accounts.speak(db, by.id, language, by),
          )
        : err(
            refusal(
              'conflict',
              'nobody-to-write-to',
              'This token belongs to no account: nobody is written to.',
            ),
          ),
    );
  }

  @Get('users')
  @ApiOperation({ summary: 'List users, by email address' })
  @Permission('users:read')
  @ApiOkResponse({
    standardSchema: z
      .object({ users: z.array(userSchema), next: z.string().nullable() })
      .meta({ id: 'Users' }),
  })
  async list(
    @Query({ schema: usersQuery }) { limit, cursor }: z.output<typeof usersQuery>,
    @By() by: Principal,
  ): Promise<{ users: UserView[]; next: string | null }> {
    const rows = await this.queries.users(by, { limit: limit + 1, after: cursor });
    const { page, next } = pageByName(rows, limit, 'email');
    return { users: page, next };
  }

  @Post('users')
  @ApiOperation({ summary: 'Create a user' })
  @Permission('users:create')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: createdUserSchema })
  async create(
    @Body({ schema: createUserSchema }) input: z.infer<typeof createUserSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ id: string }> {
    const { password, ...rest } = input;
    const created = answered(
      await this.access.createUser(
        { ...rest, ...(password === undefined ? {} : { password: Secret.of(password) }) },
        by,
      ),
    );
    void reply.header('location', `/api/v1/users/${created.userId}`);
    return { id: created.userId };
  }

  /** Closes an account: nobody signs in with it any more, its tokens die, and what its person may do is reviewed. */
  @Post('users/:id/disable')
  @ApiOperation({ summary: 'Close an account; its tokens die with it' })
  @HttpCode(204)
  @Permission('users:create')
  @ApiNoContentResponse({ description: 'Closed; closing twice is closing once' })
  async disable(@Param('id', { schema: z.uuid() }) userId: string, @By() by: Principal): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.accounts.disable(db, userId, by)));
  }
}
