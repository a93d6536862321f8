import { holds } from '../../../domain/credentials/holdings.queries.ts';
import { Injectable } from '@nestjs/common';
import { ENDS_WITH } from '../../../domain/policy/offboarding.queries.ts';
import type { SelectedItem, Subject } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Id } from '../../../kernel/ids.ts';
import type { Db } from '../../../platform/database/transactions.ts';

interface Request {
  subject: Subject;
  input: Readonly<Record<string, unknown>>;
}

const FROM = `FROM credential c
  JOIN credential_version v ON v.credential_id = c.id
  JOIN location l ON l.credential_id = c.id AND l.retired_at IS NULL AND ${holds('l', 'v.id')}
 WHERE ${ENDS_WITH}`;

/** Every copy of the credentials that end with an integration: one item for each location and version. */
@Injectable()
export class LocationsOfIntegrationSelector implements Selector {
  readonly name = 'locations-of-integration';
  readonly title = 'The locations of what ends with an integration';

  async page(
    db: Db,
    request: Request & { cursor: string | null; limit: number },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const [risk, version, location] = request.cursor?.split(':') ?? [null, null, null];
    const rows = await db.query<
      {
        id: Id;
        versionId: Id;
        name: string;
        kind: string;
        path: string;
        of: string;
        risk: number;
        provable: string;
      }[]
    >(
      `SELECT l.id, v.id AS "versionId", l.name, l.kind, l.path, c.name || ', version ' || v.number AS of, c.risk, l.provable ${FROM}
          AND ($2::int IS NULL OR c.risk < $2 OR (c.risk = $2 AND (v.id, l.id) > ($3::uuid, $4::uuid)))
        ORDER BY c.risk DESC, v.id, l.id LIMIT $5`,
      [request.subject.id, risk, version, location, request.limit],
    );
    const last = rows.at(-1);
    return {
      items: rows.map((row) => ({
        key: `${row.id}:${row.versionId}`,
        label: `${row.name} (${[row.kind.replaceAll('_', ' '), row.path].filter(Boolean).join(', ')}) of ${row.of}`,
        subject: { kind: 'location', id: row.id },
        facts: { locationId: row.id, versionId: row.versionId, kind: row.kind, provable: row.provable },
        priority: row.risk,
      })),
      next: rows.length === request.limit && last ? `${last.risk}:${last.versionId}:${last.id}` : null,
    };
  }

  async count(db: Db, { subject }: Request): Promise<number> {
    const [row] = await db.query<{ n: number }[]>(`SELECT count(*)::int AS n ${FROM}`, [subject.id]);
    return row?.n ?? 0;
  }
}
