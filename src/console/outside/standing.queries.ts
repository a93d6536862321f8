import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

/** What else stands beside a matrix that somebody outside is asked to sign. */
export interface Standing {
  /** The day on which the agreement is looked at again, "2027-01-15". */
  reviewOn: string | null;
  /** What the gate lets pass for a time: the rule, and until when. Never the reason, which is the operator's own. */
  exceptions: { rule: string; until: string }[];
}

/** @param partyName whose contact reads it: the agreement is the business of its two parties alone */
export async function standingOf(
  db: Db,
  reference: string,
  partyName: string,
  now: Millis,
): Promise<Standing> {
  const at = new Date(now);
  const [agreement] = await db.query<{ reviewOn: string | null }[]>(
    `SELECT v.review_on::text AS "reviewOn" FROM integration i JOIN agreement a ON a.id = i.agreement_id JOIN party p ON p.id = a.party_id
       JOIN agreement_version v ON v.agreement_id = a.id
      WHERE i.reference = $1 AND p.name = $3 AND v.valid_from <= $2 AND (v.valid_until IS NULL OR v.valid_until > $2)
      ORDER BY v.number DESC LIMIT 1`,
    [reference, at, partyName],
  );
  const exceptions = await db.query<Standing['exceptions']>(
    `SELECT DISTINCT x.rule, to_char(x.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS until
       FROM policy_exception x JOIN integration i ON i.id = x.integration_id
      WHERE i.reference = $1 AND x.decision = 'approved' AND x.withdrawn_at IS NULL AND x.expires_at > $2 ORDER BY until, rule LIMIT 50`,
    [reference, at],
  );
  return { reviewOn: agreement?.reviewOn ?? null, exceptions };
}
