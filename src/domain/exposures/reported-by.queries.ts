import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

/**
 * What people call where an exposure came from: the name of its source, or of the way in which it was reported without
 * one. For statements in which `e` is the exposure and `s` its source.
 */
export const REPORTED_BY = `coalesce(s.name, CASE
    WHEN e.reporter_kind = 'system' AND e.reporter_id = 'usage' THEN 'Unusual use'
    WHEN e.reporter_party_id IS NOT NULL THEN 'Supplier room: ' || coalesce((SELECT rp.name FROM party rp WHERE rp.id = e.reporter_party_id), 'another party')
    WHEN e.external_ref LIKE 'MRV-%' THEN 'Mass revocation'
    WHEN e.reporter_kind = 'user' THEN 'Console form'
    WHEN e.reporter_kind = 'token' THEN 'REST, with a token'
    ELSE e.reporter_kind END)`;

/** A way in which exposures come without a source that was set up. */
export interface OwnWay {
  name: string;
  exposures: number;
  inTriage: number;
  lastAt: Millis;
}

/** Those that anything came by, the latest first. */
export function ownWays(db: Db): Promise<OwnWay[]> {
  return db.query(
    `SELECT ${REPORTED_BY} AS name, count(*)::int AS exposures, count(*) FILTER (WHERE e.state = 'triage')::int AS "inTriage",
            (extract(epoch FROM max(e.received_at)) * 1000)::float8 AS "lastAt"
       FROM exposure e LEFT JOIN source s ON s.id = e.source_id
      WHERE e.source_id IS NULL GROUP BY 1 ORDER BY max(e.received_at) DESC, 1 LIMIT 200`,
  );
}
