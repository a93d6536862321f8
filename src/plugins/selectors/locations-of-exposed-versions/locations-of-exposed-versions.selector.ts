import { holds } from '../../../domain/credentials/holdings.queries.ts';
import { Injectable } from '@nestjs/common';
import type { SelectedItem, Subject } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Id } from '../../../kernel/ids.ts';
import type { Db } from '../../../platform/database/transactions.ts';

interface Row {
  location_id: Id;
  version_id: Id;
  credential_id: Id;
  integration_id: Id;
  party_id: Id;
  owner_contact_id: Id | null;
  risk: number;
  kind: string;
  name: string;
  path: string;
  credential: string;
  number: number;
  provable: string;
}

interface Request {
  subject: Subject;
  input: Readonly<Record<string, unknown>>;
}

const FROM = `FROM incident_credential i
         JOIN credential c ON c.id = i.credential_id
         JOIN credential_version v ON v.id = i.version_id
         JOIN location l ON l.credential_id = i.credential_id AND l.retired_at IS NULL
                        AND ${holds('l', 'i.version_id')}
        WHERE i.incident_id = $1 AND i.open AND ($2::uuid IS NULL OR i.batch_id = $2)`;

/** Every copy of the exposed credential versions, those of the riskiest first: one item for each location and version. */
@Injectable()
export class LocationsOfExposedVersionsSelector implements Selector {
  readonly name = 'locations-of-exposed-versions';
  readonly title = 'The locations where exposed credential versions are kept';

  async page(
    db: Db,
    request: Request & { cursor: string | null; limit: number },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const [risk, version, location] = request.cursor?.split(':') ?? [null, null, null];
    const rows = await db.query<Row[]>(
      `SELECT l.id AS location_id, i.version_id, i.credential_id, l.integration_id, l.party_id, l.owner_contact_id, c.risk, l.kind,
              l.name, l.path, c.name AS credential, v.number, l.provable ${FROM}
          AND ($3::int IS NULL OR c.risk < $3 OR (c.risk = $3 AND (i.version_id, l.id) > ($4::uuid, $5::uuid)))
        ORDER BY c.risk DESC, i.version_id, l.id LIMIT $6`,
      [request.subject.id, batchOf(request), risk, version, location, request.limit],
    );
    const last = rows.at(-1);
    const next =
      rows.length === request.limit && last ? `${last.risk}:${last.version_id}:${last.location_id}` : null;
    return { items: rows.map(itemOf), next };
  }

  async count(db: Db, request: Request): Promise<number> {
    const [row] = await db.query<{ n: number }[]>(`SELECT count(*)::int AS n ${FROM}`, [
      request.subject.id,
      batchOf(request),
    ]);
    return row?.n ?? 0;
  }
}

function itemOf(row: Row): SelectedItem {
  return {
    key: `${row.location_id}:${row.version_id}`,
    // Two copies may have one name: where each is, and of what, tells them apart.
    label: `${row.name} (${[row.kind.replaceAll('_', ' '), row.path].filter(Boolean).join(', ')}) of ${row.credential}, version ${row.number}`,
    subject: { kind: 'location', id: row.location_id },
    facts: {
      locationId: row.location_id,
      versionId: row.version_id,
      credentialId: row.credential_id,
      integrationId: row.integration_id,
      partyId: row.party_id,
      ownerContactId: row.owner_contact_id,
      kind: row.kind,
      place: row.path,
      credential: `${row.credential}, version ${row.number}`,
      provable: row.provable,
    },
    priority: row.risk,
  };
}

function batchOf(request: Request): string | null {
  return typeof request.input.batchId === 'string' ? request.input.batchId : null;
}
