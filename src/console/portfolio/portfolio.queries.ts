import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { provenDead } from '../../domain/revocation/deaths.queries.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { PAGE_SIZE, type Cursor } from '../shared/paging.tsx';
import { contains, ms, named } from '../shared/sql.ts';

/** What is worst about a credential, the worst first. */
export type Standing = 'alive' | 'unproven' | 'nobody_can_stop' | 'expired' | 'sound';

export type StandingCounts = Record<Standing, number>;

export interface IntegrationLine {
  id: Id;
  reference: string;
  name: string;
  state: string;
  pass: string;
  passGraceUntil: Millis | null;
  riskTier: number;
  dataClass: string;
  shadow: boolean;
  suppliers: string[];
  customers: string[];
  ownerName: string | null;
  openCases: number;
  credentials: StandingCounts;
}

export interface PortfolioFilter {
  q?: string | undefined;
  state?: string | undefined;
  pass?: string | undefined;
  tier?: number | undefined;
  supplier?: string | undefined;
  trouble?: boolean | undefined;
  after?: Cursor | undefined;
}

/**
 * The versions of credential `c` that some open incident names. A party sees no incident, and is told by its open cases.
 */
const EXPOSED = `
  SELECT x.version_id, x.joined_at FROM incident_credential x WHERE x.credential_id = c.id AND x.open
  UNION ALL
  SELECT y.version_id, y.joined_at FROM case_credential y JOIN incident_case k ON k.id = y.case_id WHERE y.credential_id = c.id AND k.state = 'open'`;
export const EXPOSED_VERSIONS = `SELECT version_id FROM (${EXPOSED}) exposed`;

/**
 * The standing of one credential `c`. Exposed: some open incident names a version of it that is not proven dead. A path to
 * stop it needs a connection or a contact, and a supplier that can.
 */
export const STANDING = `
  CASE
    WHEN EXISTS (SELECT 1 FROM (${EXPOSED}) z LEFT JOIN version_death d ON d.version_id = z.version_id
                  WHERE NOT ${provenDead('d', 'z.joined_at')} AND (d.liveness = 'live' OR d.revocation IS NULL OR d.revocation IN ('none', 'rejected'))) THEN 'alive'
    WHEN EXISTS (SELECT 1 FROM (${EXPOSED}) z LEFT JOIN version_death d ON d.version_id = z.version_id
                  WHERE NOT ${provenDead('d', 'z.joined_at')}) THEN 'unproven'
    WHEN c.revocability IN ('impossible', 'expiry_only')
      OR NOT EXISTS (SELECT 1 FROM revocation_path rp WHERE rp.credential_id = c.id) THEN 'nobody_can_stop'
    WHEN EXISTS (SELECT 1 FROM credential_version v
                  WHERE v.credential_id = c.id AND v.phase = 'active' AND v.expires_at <= $1::timestamptz) THEN 'expired'
    ELSE 'sound'
  END`;

export const STANDING_COUNTS = `
  count(*) FILTER (WHERE standing = 'alive')::int AS alive,
  count(*) FILTER (WHERE standing = 'unproven')::int AS unproven,
  count(*) FILTER (WHERE standing = 'nobody_can_stop')::int AS nobody_can_stop,
  count(*) FILTER (WHERE standing = 'expired')::int AS expired,
  count(*) FILTER (WHERE standing = 'sound')::int AS sound`;

/** Integrations by name, one row more than a page shows. Counts are taken for the rows of the page alone. */
export async function listIntegrations(
  db: Db,
  filter: PortfolioFilter,
  now: Millis,
): Promise<IntegrationLine[]> {
  type Row = Omit<IntegrationLine, 'credentials'> & StandingCounts;
  const rows = await db.query<Row[]>(
    `WITH page AS (
       SELECT i.* FROM integration i
        WHERE ($2::text IS NULL OR i.name ILIKE $2 OR i.reference ILIKE $2 OR i.purpose ILIKE $2
               OR EXISTS (SELECT 1 FROM integration_party p WHERE p.integration_id = i.id AND p.party_name ILIKE $2))
          AND ($3::text IS NULL OR i.state = $3)
          AND ($4::text IS NULL OR i.pass = $4)
          AND ($5::int IS NULL OR i.risk_tier = $5)
          AND ($6::text IS NULL OR EXISTS (SELECT 1 FROM integration_party p JOIN party sp ON sp.id = p.party_id
                 WHERE p.integration_id = i.id AND p.role = 'supplier' AND sp.reference = $6))
          AND (NOT $7::boolean OR EXISTS (SELECT 1 FROM incident_case k WHERE k.integration_id = i.id AND k.state = 'open'))
          AND ($8::text IS NULL OR (i.name, i.id) > ($8, $9::uuid))
        ORDER BY i.name, i.id LIMIT ${PAGE_SIZE + 1})
     SELECT i.id, i.reference, i.name, i.state, i.pass, ${ms('i.pass_grace_until')} AS "passGraceUntil",
            i.risk_tier AS "riskTier", i.data_class AS "dataClass", i.shadow,
            ${named('owner.name', 'i.owner_contact_id')} AS "ownerName",
            coalesce(parties.suppliers, '{}') AS suppliers, coalesce(parties.customers, '{}') AS customers,
            (SELECT count(*)::int FROM incident_case k WHERE k.integration_id = i.id AND k.state = 'open') AS "openCases",
            counts.*
       FROM page i
       LEFT JOIN contact owner ON owner.id = i.owner_contact_id
       LEFT JOIN LATERAL (
         SELECT array_agg(p.party_name ORDER BY p.party_name) FILTER (WHERE p.role = 'supplier') AS suppliers,
                array_agg(p.party_name ORDER BY p.party_name) FILTER (WHERE p.role = 'customer') AS customers
           FROM integration_party p WHERE p.integration_id = i.id) parties ON true
       CROSS JOIN LATERAL (
         SELECT ${STANDING_COUNTS} FROM (
           SELECT ${STANDING} AS standing FROM credential_use u JOIN credential c ON c.id = u.credential_id
            WHERE u.integration_id = i.id AND c.retired_at IS NULL) s) counts
      ORDER BY i.name, i.id`,
    [
      new Date(now),
      filter.q ? contains(filter.q) : null,
      filter.state ?? null,
      filter.pass ?? null,
      filter.tier ?? null,
      filter.supplier ?? null,
      filter.trouble ?? false,
      filter.after?.key ?? null,
      filter.after?.id ?? null,
    ],
  );
  return rows.map(({ alive, unproven, nobody_can_stop, expired, sound, ...row }) => ({
    ...row,
    credentials: { alive, unproven, nobody_can_stop, expired, sound },
  }));
}

export interface PortfolioTotals {
  integrations: number;
  states: Record<string, number>;
  passes: Record<string, number>;
}

export async function portfolioTotals(db: Db): Promise<PortfolioTotals> {
  const rows = await db.query<{ state: string; pass: string; count: number }[]>(
    `SELECT state, pass, count(*)::int AS count FROM integration GROUP BY state, pass`,
  );
  const totals: PortfolioTotals = { integrations: 0, states: {}, passes: {} };
  for (const { state, pass, count } of rows) {
    totals.integrations += count;
    totals.states[state] = (totals.states[state] ?? 0) + count;
    totals.passes[pass] = (totals.passes[pass] ?? 0) + count;
  }
  return totals;
}

export interface SupplierLine {
  id: Id;
  reference: string;
  name: string;
  region: string | null;
  sector: string | null;
  integrations: number;
  live: number;
  contacts: string[];
  /** The next review of an agreement with it: a date, "2027-03-01". */
  reviewOn: string | null;
  connections: number;
  credentials: StandingCounts;
}

/**
 * Suppliers by name, and whoever was added and has no integration yet, one row more than a page shows; the credentials are
 * those that they verify.
 */
export async function listSuppliers(
  db: Db,
  filter: { q?: string | undefined; after?: Cursor | undefined },
  now: Millis,
): Promise<SupplierLine[]> {
  type Row = Omit<SupplierLine, 'credentials'> & StandingCounts;
  const rows = await db.query<Row[]>(
    `WITH page AS (
       SELECT p.* FROM party p
        WHERE (EXISTS (SELECT 1 FROM integration_party ip WHERE ip.party_id = p.id AND ip.role = 'supplier')
               OR (NOT p.is_operator AND p.retired_at IS NULL
                   AND NOT EXISTS (SELECT 1 FROM integration_party ip WHERE ip.party_id = p.id)))
          AND ($2::text IS NULL OR p.name ILIKE $2 OR p.reference ILIKE $2)
          AND ($3::text IS NULL OR (p.name, p.id) > ($3, $4::uuid))
        ORDER BY p.name, p.id LIMIT ${PAGE_SIZE + 1})
     SELECT p.id, p.reference, p.name, p.region, p.sector, uses.integrations, uses.live,
            coalesce((SELECT array_agg(DISTINCT k.role ORDER BY k.role) FROM contact k WHERE k.party_id = p.id AND k.active), '{}') AS contacts,
            (SELECT to_char(min(av.review_on), 'YYYY-MM-DD') FROM agreement_version av
              WHERE av.party_id = p.id AND (av.valid_until IS NULL OR av.valid_until > $1::timestamptz)) AS "reviewOn",
            (SELECT count(*)::int FROM connection n WHERE n.party_id = p.id AND n.retired_at IS NULL) AS connections,
            counts.*
       FROM page p
       CROSS JOIN LATERAL (
         SELECT count(*)::int AS integrations, count(*) FILTER (WHERE i.state = 'live')::int AS live
           FROM integration_party ip JOIN integration i ON i.id = ip.integration_id
          WHERE ip.party_id = p.id AND ip.role = 'supplier') uses
       CROSS JOIN LATERAL (
         SELECT ${STANDING_COUNTS} FROM (
           SELECT ${STANDING} AS standing FROM credential c
            WHERE c.verifier_party_id = p.id AND c.retired_at IS NULL) s) counts
      ORDER BY p.name, p.id`,
    [
      new Date(now),
      filter.q ? contains(filter.q) : null,
      filter.after?.key ?? null,
      filter.after?.id ?? null,
    ],
  );
  return rows.map(({ alive, unproven, nobody_can_stop, expired, sound, ...row }) => ({
    ...row,
    credentials: { alive, unproven, nobody_can_stop, expired, sound },
  }));
}
