import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ConnectionsService } from '../revocation/connections.service.ts';
import { findConnection } from './connections.queries.ts';
import type { ConnectionSecrets, ConnectionView } from './overview.schema.ts';

/** Sets the secrets of a connection that an import brought without any. They go in and never come out again. */
@Injectable()
export class ConnectionSecretsService {
  constructor(private readonly connections: ConnectionsService) {}

  async put(
    db: Db,
    id: Id,
    body: ConnectionSecrets,
    by: Principal,
  ): Promise<Result<ConnectionView, Refusal>> {
    const found = await findConnection(db, id);
    if (!found || found.retiredAt !== null)
      return err(refusal('not_found', 'no-connection', 'There is no such connection.'));
    if (found.key === null) {
      return err(
        refusal(
          'conflict',
          'connection-without-key',
          'The connection has no key. Import it under a key first.',
        ),
      );
    }
    const put = await this.connections.put(
      db,
      {
        source: found.source,
        externalKey: found.key,
        partyId: found.party.id,
        name: found.name,
        presetKey: found.preset,
        baseUrl: found.baseUrl,
        environment: found.environment,
        auth: Object.fromEntries(
          Object.entries(body.auth ?? {}).map(([name, value]) => [name, Secret.of(value)]),
        ),
        ...(body.control === undefined
          ? {}
          : {
              control: body.control && {
                value: body.control.value == null ? null : Secret.of(body.control.value),
                supplierId: body.control.supplierId ?? null,
              },
            }),
        maxConcurrent: found.maxConcurrent,
        perSecond: found.perSecond,
      },
      by,
    );
    if (!put.ok) return put;
    return ok((await findConnection(db, id))!);
  }
}
