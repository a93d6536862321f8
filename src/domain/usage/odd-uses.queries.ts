import type { Id } from '../../kernel/ids.ts';
import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** How far back uses are looked at. */
const LOOKED_BACK = 30 * ELAPSED_DAY;

export interface OddUse {
  credentialId: Id;
  reference: string;
  name: string;
  integrationReference: string;
  integrationName: string;
  /** `environment`: used from another one; `retired`: after its retirement; `not_live`: by what is not in production. */
  why: 'environment' | 'retired' | 'not_live';
  /** Where it was used from. */
  environment: string | null;
  uses: number;
  lastAt: string;
}

/**
 * Uses that nothing declared explains: of a credential from another environment, of a retired version, of an integration
 * that is a draft, quarantined or retired. They point at connections that nobody wrote down.
 */
export async function oddUses(db: Db, now: Millis, limit: number): Promise<OddUse[]> {
  const rows = await db.query<(Omit<OddUse, 'lastAt'> & { lastAt: Date })[]>(
    `SELECT c.id AS "credentialId", c.reference, c.name, i.reference AS "integrationReference", i.name AS "integrationName",
            u.why, u.environment, u.uses, u."lastAt"
       FROM (SELECT e.credential_id, e.environment, w.why, count(*)::int AS uses, max(e.at) AS "lastAt"
               FROM usage_event e
               JOIN credential c ON c.id = e.credential_id
               JOIN integration i ON i.id = e.integration_id
               JOIN credential_version v ON v.id = e.version_id
               CROSS JOIN LATERAL (SELECT CASE
                 WHEN e.environment IS NOT NULL AND e.environment <> c.environment THEN 'environment'
                 WHEN v.retired_at < e.at OR c.retired_at < e.at THEN 'retired'
                 WHEN i.state IN ('draft', 'quarantined', 'retired') THEN 'not_live' END AS why) w
              WHERE e.at > $1 AND w.why IS NOT NULL
              GROUP BY 1, 2, 3) u
       JOIN credential c ON c.id = u.credential_id JOIN integration i ON i.id = c.integration_id
      ORDER BY array_position(ARRAY['environment', 'retired', 'not_live'], u.why), u."lastAt" DESC, c.id LIMIT $2`,
    [iso(now - LOOKED_BACK), limit],
  );
  return rows.map((row) => ({ ...row, lastAt: iso(row.lastAt.getTime()) }));
}
