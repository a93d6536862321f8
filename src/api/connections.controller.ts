import { Body, Controller, Get, Param, Put, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { Secret } from '../kernel/secret.ts';
import { By, Permission } from '../domain/access/route.ts';
import { findConnection, listConnections } from '../domain/portfolio/connections.queries.ts';
import {
  connectionSecretsSchema,
  connectionViewSchema,
  type ConnectionView,
} from '../domain/portfolio/overview.schema.ts';
import { ConnectionsService } from '../domain/revocation/connections.service.ts';
import { Transactions, type Db } from '../platform/database/transactions.ts';
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
    private readonly connections: ConnectionsService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List connections to suppliers, by name' })
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
  @ApiOperation({ summary: 'Read a connection, without its secrets' })
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: connectionViewSchema })
  async get(
    @Param('id', { schema: id }) connectionId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionView> {
    const found = await this.transactions.run(by, (db) => viewOf(db, connectionId));
    return versioned(reply, found);
  }

  @Put(':id/secrets')
  @ApiOperation({
    summary: "Set a connection's secrets and canary",
    description:
      'Our own authentication at the supplier, and the canary. Written, never read: the answer names what is set.',
  })
  @Permission('connections:write')
  @ApiOkResponse({ standardSchema: connectionViewSchema })
  async putSecrets(
    @Param('id', { schema: id }) connectionId: string,
    @Body({ schema: connectionSecretsSchema }) body: z.output<typeof connectionSecretsSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionView> {
    // A refusal half-way through is thrown inside, so that it undoes what was stored before it.
    const stored = await this.transactions.run(by, async (db) => {
      answered(await this.connections.setSecrets(db, connectionId, secretsOf(body), by));
      return viewOf(db, connectionId);
    });
    return versioned(reply, stored);
  }
}

async function viewOf(db: Db, connectionId: string): Promise<ConnectionView> {
  const found = await findConnection(db, connectionId);
  if (!found) throw new Refused(refusal('not_found', 'no-connection', 'There is no such connection.'));
  return found;
}

/** From here on no text of them is at hand. */
function secretsOf({
  auth = {},
  control,
}: z.output<typeof connectionSecretsSchema>): Parameters<ConnectionsService['setSecrets']>[2] {
  const secret = (value: string | null | undefined) => (value == null ? null : Secret.of(value));
  return {
    auth: Object.fromEntries(Object.entries(auth).map(([name, value]) => [name, Secret.of(value)])),
    ...(control === undefined
      ? {}
      : { control: control && { value: secret(control.value), supplierId: control.supplierId ?? null } }),
  };
}
