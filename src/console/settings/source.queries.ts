import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';

export interface SourceFacts {
  id: Id;
  key: string;
  kind: string;
  name: string;
  environment: string;
  trust: string;
  partyName: string | null;
  ownerContactId: Id | null;
  ownerName: string | null;
  apiBaseUrl: string | null;
  hasApiToken: boolean;
  active: boolean;
  keys: { id: Id; addedAt: string }[];
  settings: Record<string, string | boolean>;
  bodyLimit: number | null;
  quotaPerHour: number;
  pollSeconds: number;
  polled: { at: Millis; taken: number; refused: number; problem: string | null } | null;
  publishedAt: Millis | null;
  lastSeenAt: Millis | null;
  rowVersion: number;
}

/** One source with what is set up for it; of its keys only that there are some. */
export async function findSource(db: Db, key: string): Promise<SourceFacts | undefined> {
  const [row] = await db.query<SourceFacts[]>(
    `SELECT s.id, s.key, s.kind, s.name, s.environment, s.trust, p.name AS "partyName", s.owner_contact_id AS "ownerContactId", k.name AS "ownerName", s.api_base_url AS "apiBaseUrl", s.api_token_ref IS NOT NULL AS "hasApiToken", s.active,
            coalesce((SELECT jsonb_agg(jsonb_build_object('id', r->'id', 'addedAt', r->'addedAt') ORDER BY n)
                        FROM jsonb_array_elements(s.key_refs) WITH ORDINALITY AS r(r, n)), '[]') AS keys,
            s.settings, s.body_limit AS "bodyLimit", s.quota_per_hour AS "quotaPerHour", ${ms('s.published_at')} AS "publishedAt",
            s.poll_seconds AS "pollSeconds", CASE WHEN s.polled_at IS NOT NULL THEN
              jsonb_build_object('at', ${ms('s.polled_at')}, 'taken', s.poll_taken, 'refused', s.poll_refused, 'problem', s.poll_problem) END AS polled,
            ${ms('s.last_seen_at')} AS "lastSeenAt", s.row_version AS "rowVersion"
       FROM source s
       LEFT JOIN party p ON p.id = s.party_id
       LEFT JOIN contact k ON k.id = s.owner_contact_id
      WHERE s.key = $1`,
    [key],
  );
  return row;
}

/** Who may answer for a source: the operator's own people. */
export function listOwners(db: Db): Promise<{ value: string; word: string }[]> {
  return db.query(
    `SELECT k.id AS value, k.name AS word FROM contact k JOIN party p ON p.id = k.party_id
      WHERE p.is_operator AND k.active ORDER BY k.name, k.id LIMIT 500`,
  );
}
