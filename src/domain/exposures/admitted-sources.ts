import { Inject, Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import { Secret } from '../../kernel/secret.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Trust } from './exposure.rules.ts';
import { SOURCES, type Source, type SourceSettings } from './source.ts';
import { SourceKeys, type KeyRef } from './source-keys.ts';

/** A source as the door knows it. */
export interface Admitted {
  id: Id;
  key: string;
  name: string;
  kind: Source;
  active: boolean;
  /** Its own, and those that its sender publishes. Without one it is refused, never open. */
  keys: readonly Secret[];
  settings: SourceSettings;
  /** Bytes. */
  bodyLimit: number;
  trust: Trust;
  partyId: Id | null;
  quotaPerHour: number;
  fetchable: boolean;
  /** Where its sender publishes its keys; undefined: nowhere. */
  publishedKeysUrl: string | undefined;
}

@Injectable()
export class AdmittedSources {
  constructor(
    @Inject(SOURCES) private readonly sources: readonly Source[],
    private readonly sourceKeys: SourceKeys,
  ) {}

  /** Undefined: there is none of a kind that is switched on. */
  async find(db: Db, by: { key: string } | { id: Id }): Promise<Admitted | undefined> {
    const row = await ('key' in by ? rowByKey(db, by.key) : rowById(db, by.id));
    const kind = row && this.sources.find((source) => source.key === row.kind);
    if (!row || !kind) return undefined;
    const own = await this.sourceKeys.open(db, row.id, row.key_refs);
    return {
      id: row.id,
      key: row.key,
      name: row.name,
      kind,
      active: row.active,
      keys: row.published_keys === null ? own : [...own, Secret.of(row.published_keys)],
      settings: row.settings,
      bodyLimit: row.body_limit ?? kind.bodyLimit,
      trust: row.trust,
      partyId: row.party_id,
      quotaPerHour: row.quota_per_hour,
      fetchable: kind.fetchMissing !== undefined,
      publishedKeysUrl: kind.publishedKeysUrl?.(row.settings, row.api_base_url),
    };
  }
}

interface SourceRow {
  id: Id;
  key: string;
  kind: string;
  name: string;
  active: boolean;
  trust: Trust;
  party_id: Id | null;
  key_refs: KeyRef[];
  settings: SourceSettings;
  body_limit: number | null;
  published_keys: string | null;
  api_base_url: string | null;
  quota_per_hour: number;
}

const SELECT = `SELECT id, key, kind, name, active, trust, party_id, key_refs, settings, body_limit, published_keys, api_base_url, quota_per_hour
  FROM source`;

const rowByKey = inOne(async (db: Db, keys: readonly string[]): Promise<(SourceRow | undefined)[]> => {
  const rows = await rowsOf<SourceRow>(db, `${SELECT} WHERE key = ANY($1::text[])`, [keys]);
  return keys.map((key) => rows.find((row) => row.key === key));
});

async function rowById(db: Db, id: Id): Promise<SourceRow | undefined> {
  const [row] = await rowsOf<SourceRow>(db, `${SELECT} WHERE id = $1`, [id]);
  return row;
}
