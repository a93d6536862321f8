import { Injectable } from '@nestjs/common';
import { ENDS_WITH } from '../../../domain/policy/offboarding.queries.ts';
import { laneOf } from '../../../domain/revocation/connections.service.ts';
import { firstConnections } from '../../../domain/revocation/ways.queries.ts';
import type { SelectedItem, Subject } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Id } from '../../../kernel/ids.ts';
import { Clock } from '../../../platform/clock/clock.ts';
import type { Db } from '../../../platform/database/transactions.ts';

interface Request {
  subject: Subject;
  input: Readonly<Record<string, unknown>>;
}

const FROM = `FROM credential c JOIN credential_version v ON v.credential_id = c.id WHERE ${ENDS_WITH}`;

/**
 * Every version of the credentials that end with an integration, riskiest first, retired ones too: nobody has shown that
 * they are dead. What another integration uses as well goes on, and is left out.
 */
@Injectable()
export class VersionsOfIntegrationSelector implements Selector {
  readonly name = 'versions-of-integration';
  readonly title = 'The credential versions that end with an integration';

  constructor(private readonly clock: Clock) {}

  async page(
    db: Db,
    request: Request & { cursor: string | null; limit: number },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const [risk, after] = request.cursor?.split(':') ?? [null, null];
    const rows = await db.query<
      {
        id: Id;
        credentialId: Id;
        integrationId: Id;
        label: string;
        kind: string;
        environment: string;
        risk: number;
      }[]
    >(
      `SELECT v.id, c.id AS "credentialId", v.integration_id AS "integrationId", c.name || ', version ' || v.number AS label, c.kind,
              c.environment, c.risk ${FROM} AND ($2::int IS NULL OR c.risk < $2 OR (c.risk = $2 AND v.id > $3::uuid))
        ORDER BY c.risk DESC, v.id LIMIT $4`,
      [request.subject.id, risk, after, request.limit],
    );
    const connections = await firstConnections(
      db,
      rows.map(({ credentialId }) => credentialId),
      this.clock.now(),
    );
    const last = rows.at(-1);
    return {
      items: rows.map((row) => {
        const connection = connections.get(row.credentialId);
        return {
          key: row.id,
          label: row.label,
          subject: { kind: 'credential_version', id: row.id },
          facts: {
            versionId: row.id,
            credentialId: row.credentialId,
            integrationId: row.integrationId,
            kind: row.kind,
            environment: row.environment,
          },
          ...(connection ? { lane: laneOf(connection) } : {}),
          priority: row.risk,
        };
      }),
      next: rows.length === request.limit && last ? `${last.risk}:${last.id}` : null,
    };
  }

  async count(db: Db, { subject }: Request): Promise<number> {
    const [row] = await db.query<{ n: number }[]>(`SELECT count(*)::int AS n ${FROM}`, [subject.id]);
    return row?.n ?? 0;
  }
}
