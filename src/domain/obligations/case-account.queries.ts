import type { Id } from '../../kernel/ids.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { holds } from '../credentials/holdings.queries.ts';
import { provenDead } from '../revocation/deaths.queries.ts';
import type { CaseFacts, CredentialState, ToldRole } from './case-account.rules.ts';

const MOST_NAMED = 50;

interface Row {
  reference: string;
  integrationName: string;
  containedAt: Date | null;
  toldAs: string | null;
  role: ToldRole | null;
  instants: Partial<Record<string, string>> | null;
  credentials: { reference: string; label: string; environment: string; state: CredentialState }[] | null;
  count: number;
  dead: number;
  copies: number;
  gone: number;
  publiclyLeaked: boolean;
}

/** What is known of a case, and the part of the one who is told; undefined: there is no such case. */
export async function caseFacts(
  db: Db,
  caseId: Id,
  partyId: Id,
): Promise<{ facts: CaseFacts; role: ToldRole | null } | undefined> {
  const [row] = await rowsOf<Row>(
    db,
    `SELECT c.reference, i.name AS "integrationName", c.contained_at AS "containedAt",
            (SELECT n.reference FROM notice n WHERE n.subject_id = c.id AND n.party_id = $2 AND n.accepted_at IS NOT NULL AND n.category <> 'written'
              ORDER BY n.term_id IS NULL, n.created_at, n.id LIMIT 1) AS "toldAs",
            (SELECT p.role FROM integration_party p WHERE p.integration_id = c.integration_id AND p.party_id = $2
              ORDER BY p.role IN ('authority', 'insurer') DESC, p.role LIMIT 1) AS role,
            (SELECT jsonb_object_agg(k.kind, k.at) FROM (SELECT kind, min(at) AS at FROM instant WHERE case_id = c.id GROUP BY kind) k) AS instants,
            (SELECT jsonb_agg(x) FROM (
               SELECT d.reference, u.label, d.environment,
                      CASE WHEN ${provenDead('e', 'j.joined_at')} THEN 'dead' WHEN e.liveness = 'live' THEN 'live'
                           WHEN e.revocation = 'accepted' THEN 'revoked' ELSE 'unknown' END AS state
                 FROM case_credential k
                 JOIN credential_use u ON u.credential_id = k.credential_id AND u.integration_id = k.integration_id
                 JOIN credential d ON d.id = k.credential_id
                 JOIN incident_credential j ON j.incident_id = c.incident_id AND j.version_id = k.version_id
                 LEFT JOIN version_death e ON e.version_id = k.version_id
                WHERE k.case_id = c.id ORDER BY d.risk DESC, u.label, d.reference LIMIT ${MOST_NAMED}) x) AS credentials,
            n.count, n.dead, l.total AS copies, l.gone,
            EXISTS (SELECT FROM exposure x WHERE x.incident_id = c.incident_id AND x.publicly_leaked
                       AND x.credential_id IN (SELECT k.credential_id FROM case_credential k WHERE k.case_id = c.id)) AS "publiclyLeaked"
       FROM incident_case c JOIN integration i ON i.id = c.integration_id
       CROSS JOIN LATERAL (SELECT count(*)::int AS count, count(*) FILTER (WHERE ${provenDead('e', 'j.joined_at')})::int AS dead
                             FROM case_credential k
                             JOIN incident_credential j ON j.incident_id = c.incident_id AND j.version_id = k.version_id
                             LEFT JOIN version_death e ON e.version_id = k.version_id WHERE k.case_id = c.id) n
       CROSS JOIN LATERAL (
         SELECT count(*)::int AS total, count(*) FILTER (WHERE g.verdict = 'gone')::int AS gone
           FROM case_credential k
           JOIN location o ON o.credential_id = k.credential_id AND o.integration_id = c.integration_id AND o.retired_at IS NULL
                          AND ${holds('o', 'k.version_id')}
           LEFT JOIN LATERAL (SELECT p.verdict FROM location_proof p WHERE p.location_id = o.id AND p.version_id = k.version_id
                               ORDER BY p.at DESC, p.id DESC LIMIT 1) g ON true
          WHERE k.case_id = c.id) l
      WHERE c.id = $1`,
    [caseId, partyId],
  );
  if (!row) return undefined;
  const at = (...kinds: string[]) => {
    const known = kinds.flatMap((kind) => {
      const text = row.instants?.[kind];
      return text === undefined ? [] : [Date.parse(text)];
    });
    return known.length === 0 ? null : Math.min(...known);
  };
  return {
    role: row.role,
    facts: {
      reference: row.reference,
      integrationName: row.integrationName,
      toldAs: row.toldAs,
      occurredAt: at('occurred'),
      knownAt: at('detected', 'received', 'matched', 'suspected', 'confirmed'),
      confirmedAt: at('confirmed'),
      containedAt: row.containedAt?.getTime() ?? null,
      credentials: row.credentials ?? [],
      count: row.count,
      dead: row.dead,
      copies: { total: row.copies, gone: row.gone },
      publiclyLeaked: row.publiclyLeaked,
    },
  };
}
