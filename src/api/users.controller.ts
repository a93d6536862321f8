import { Body, Controller, Get, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { Secret } from '../kernel/secret.ts';
import { createUserSchema, createdUserSchema, meSchema, userSchema } from '../domain/access/access.schema.ts';
import { AccessQueries, type UserView } from '../domain/access/access.queries.ts';
import { AccessService } from '../domain/access/access.service.ts';
import { grantsOf } from '../domain/access/permissions.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { answered } from './answered.ts';

@ApiTags('access')
@Controller('api/v1')
export class UsersController {
  constructor(
    private readonly access: AccessService,
    private readonly queries: AccessQueries,
  ) {}

  @Get('me')
  @Permission('self:read')
  @ApiOkResponse({ standardSchema: meSchema })
  me(@By() by: Principal): z.infer<typeof meSchema> {
    const permissions = by.permissions ?? [...new Set(by.roles.flatMap((role) => grantsOf(role)))];
    return {
      kind: by.kind,
      id: by.id,
      roles: [...by.roles],
      permissions: [...permissions],
      partyId: by.partyId,
    };
  }

  @Get('users')
  @Permission('users:read')
  @ApiOkResponse({ standardSchema: z.object({ users: z.array(userSchema) }).meta({ id: 'Users' }) })
  async list(@By() by: Principal): Promise<{ users: UserView[] }> {
    return { users: await this.queries.users(by) };
  }

  @Post('users')
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
}
