import { Body, Controller, Get, Param, Put, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { ConnectionSecretsService } from '../domain/portfolio/connection-secrets.service.ts';
import { findConnection, listConnections } from '../domain/portfolio/connections.queries.ts';
import {
  connectionSecretsSchema,
  connectionViewSchema,
  type ConnectionView,
} from '../domain/portfolio/overview.schema.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { namedListQuery, pageByName } from './cursor.ts';
import { versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({ ...namedListQuery, partyId: id.optional() });
const connectionsSchema = z
  .object({ connections: z.array(connectionViewSchema), next: z.string().nullable() })
  .meta({ id: 'Connections' });

@ApiTags('portfolio')
@Controller('api/v1/connections')
export class ConnectionsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly secrets: ConnectionSecretsService,
  ) {}

  /** By name. */
  @Get()
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: connectionsSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof connectionsSchema>> {
    const rows = await this.transactions.run(by, (db) =>
      listConnections(db, { ...query, limit: query.limit + 1 }),
    );
    const { page, next } = pageByName(rows, query.limit, 'name');
    return { connections: page, next };
  }

  @Get(':id')
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: connectionViewSchema })
  async get(
    @Param('id', { schema: id }) connectionId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionView> {
    const found = await this.transactions.run(by, (db) => findConnection(db, connectionId));
    if (!found) throw new Refused(refusal('not_found', 'no-connection', 'There is no such connection.'));
    return versioned(reply, found);
  }

  /** Our own authentication at the supplier, and the canary. Written, never read: the answer names what is set. */
  @Put(':id/secrets')
  @Permission('connections:write')
  @ApiOkResponse({ standardSchema: connectionViewSchema })
  async putSecrets(
    @Param('id', { schema: id }) connectionId: string,
    @Body({ schema: connectionSecretsSchema }) body: z.output<typeof connectionSecretsSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionView> {
    // A refusal half-way through is thrown inside, so that it undoes what was stored before it.
    const stored = await this.transactions.run(by, async (db) =>
      answered(await this.secrets.put(db, connectionId, body, by)),
    );
    return versioned(reply, stored);
  }
}
