import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { namedConditions, Parameters, where, type NamedFilter } from '../parties/named.queries.ts';
import type { IntegrationCore, IntegrationLine } from './integration.schema.ts';

export interface IntegrationFilter extends NamedFilter {
  state?: string;
  riskTier?: number;
  partyId?: Id;
  /** With `partyId`: in which role. */
  role?: string;
  ownerContactId?: Id;
}

// A party's own people see only their side's contacts; the owner's id stands there without a name then.
const LINE = `t.id, t.reference, t.source, t.external_key AS key, t.name, t.state, t.pass, t.risk_tier AS "riskTier", t.data_class AS "dataClass",
  t.environments, t.shadow,
  CASE WHEN t.owner_contact_id IS NOT NULL THEN jsonb_build_object('id', t.owner_contact_id, 'name', (SELECT k.name FROM contact k WHERE k.id = t.owner_contact_id)) END AS owner,
  coalesce((SELECT jsonb_agg(jsonb_build_object('id', ip.party_id, 'name', ip.party_name, 'role', ip.role) ORDER BY ip.role, ip.party_name)
              FROM integration_party ip WHERE ip.integration_id = t.id), '[]') AS parties,
  (SELECT count(*)::int FROM credential_use u WHERE u.integration_id = t.id) AS credentials`;

/** By name. The page is found first, and only its rows are looked into. */
export function listIntegrations(db: Db, filter: IntegrationFilter): Promise<IntegrationLine[]> {
  const parameters = new Parameters();
  const { $ } = parameters;
  const conditions = namedConditions(filter, parameters);
  if (filter.state !== undefined) conditions.push(`t.state = ${$(filter.state)}`);
  if (filter.riskTier !== undefined) conditions.push(`t.risk_tier = ${$(filter.riskTier)}`);
  if (filter.ownerContactId !== undefined)
    conditions.push(`t.owner_contact_id = ${$(filter.ownerContactId)}`);
  if (filter.partyId !== undefined) {
    const role = filter.role === undefined ? '' : ` AND ip.role = ${$(filter.role)}`;
    conditions.push(
      `t.id IN (SELECT ip.integration_id FROM integration_party ip WHERE ip.party_id = ${$(filter.partyId)}${role})`,
    );
  }
  return db.query<IntegrationLine[]>(
    `SELECT ${LINE} FROM (SELECT * FROM integration t ${where(conditions)} ORDER BY t.name, t.id LIMIT ${$(filter.limit)}) t ORDER BY t.name, t.id`,
    parameters.values,
  );
}

export async function findIntegration(db: Db, id: Id): Promise<IntegrationCore | undefined> {
  const [found] = await db.query<
    (Omit<IntegrationCore, 'passGraceUntil'> & { passGraceUntil: Date | null })[]
  >(
    `SELECT ${LINE}, t.purpose, t.regions, t.sectors, t.max_connections AS "maxConnections", t.pass_grace_until AS "passGraceUntil", t.agreement_id AS "agreementId", t.row_version AS "rowVersion",
            coalesce((SELECT jsonb_agg(jsonb_build_object('partyId', d.party_id, 'partyName', coalesce(p.name, ip.party_name), 'integrationId', d.depends_on_integration_id,
                               'depth', d.depth, 'via', d.via) ORDER BY d.depth, d.party_id)
                        FROM integration_dependency d LEFT JOIN party p ON p.id = d.party_id
                        LEFT JOIN LATERAL (SELECT party_name FROM integration_party x WHERE x.integration_id = d.integration_id AND x.party_id = d.party_id LIMIT 1) ip ON true
                       WHERE d.integration_id = t.id), '[]') AS dependencies
       FROM integration t WHERE t.id = $1`,
    [id],
  );
  return found && { ...found, passGraceUntil: found.passGraceUntil?.toISOString() ?? null };
}
