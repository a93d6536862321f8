import { Body, Controller, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { Secret } from '../kernel/secret.ts';
import { By, Permission } from '../domain/access/route.ts';
import { connectionSchema, connectionSecretsSchema } from '../domain/revocation/connection.schema.ts';
import { connectionOf, connectionsPage } from '../domain/revocation/connections.queries.ts';
import { ConnectionsService } from '../domain/revocation/connections.service.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { pageLimit } from './cursor.ts';

const id = z.uuid();
const listQuery = z.strictObject({ party: id.optional(), cursor: id.optional(), limit: pageLimit });
const connectionsSchema = z
  .object({ connections: z.array(connectionSchema), next: z.uuid().nullable() })
  .meta({ id: 'Connections' });

@ApiTags('connections')
@Controller('api/v1/connections')
export class ConnectionsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly connections: ConnectionsService,
  ) {}

  @Get()
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: connectionsSchema })
  async list(
    @Query({ schema: listQuery }) { party, cursor, limit }: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof connectionsSchema>> {
    const connections = await this.transactions.run(by, (db) =>
      connectionsPage(db, {
        ...(party === undefined ? {} : { partyId: party }),
        ...(cursor === undefined ? {} : { after: cursor }),
        limit,
      }),
    );
    return { connections, next: connections.length === limit ? (connections.at(-1)?.id ?? null) : null };
  }

  @Get(':id')
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: connectionSchema })
  async get(
    @Param('id', { schema: id }) connectionId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof connectionSchema>> {
    const found = await this.transactions.run(by, (db) => connectionOf(db, connectionId));
    if (!found) throw new Refused(refusal('not_found', 'no-connection', 'There is no such connection.'));
    return found;
  }

  /** Write-only: values go in, sealed, and never come out. */
  @Put(':id/secrets')
  @HttpCode(204)
  @Permission('connections:write')
  @ApiNoContentResponse({ description: 'Sealed' })
  async setSecrets(
    @Param('id', { schema: id }) connectionId: string,
    @Body({ schema: connectionSecretsSchema }) input: z.output<typeof connectionSecretsSchema>,
    @By() by: Principal,
  ): Promise<void> {
    const { auth, control } = input;
    const secrets = {
      auth: Object.fromEntries(Object.entries(auth).map(([name, value]) => [name, Secret.of(value)])),
      ...(control === undefined
        ? {}
        : {
            control: control && {
              supplierId: control.supplierId,
              value: control.value === null ? null : Secret.of(control.value),
            },
          }),
    };
    await this.transactions.run(by, async (db) => {
      answered(await this.connections.setSecrets(db, connectionId, secrets, by));
    });
  }
}
