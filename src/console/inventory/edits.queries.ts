import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Millis } from '../../kernel/time.ts';
import { ms } from '../shared/sql.ts';
import type { Option } from '../shared/forms.tsx';

export interface EditableCredential {
  id: Id;
  reference: string;
  integrationId: Id;
  rowVersion: number;
  name: string;
  purpose: string;
  ownerContactId: Id | null;
  store: string;
  rotateEveryDays: number | null;
  /** "2026-11-22T01:58:05Z". */
  lastUsedAt: string | null;
  risk: number;
}

export async function editableCredential(db: Db, reference: string): Promise<EditableCredential | undefined> {
  const [row] = await db.query<EditableCredential[]>(
    `SELECT id, reference, integration_id AS "integrationId", row_version AS "rowVersion", name, purpose, owner_contact_id AS "ownerContactId", store,
            rotate_every_days AS "rotateEveryDays", to_char(last_used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS "lastUsedAt", risk
       FROM credential WHERE reference = $1 AND retired_at IS NULL`,
    [reference],
  );
  return row;
}

export interface StoredScope {
  name: string;
  description: string;
  justification: string;
  consent: { by: string; at: Millis; statement: string } | null;
}

export interface StoredScopes {
  id: Id;
  reference: string;
  name: string;
  retired: boolean;
  rowVersion: number;
  /** Of the integration that is its home: what decides which policy holds. */
  riskTier: number;
  dataClass: string;
  scopes: StoredScope[];
}

export async function scopesOf(db: Db, reference: string): Promise<StoredScopes | undefined> {
  const [row] = await db.query<StoredScopes[]>(
    `SELECT c.id, c.reference, c.name, c.retired_at IS NOT NULL AS retired, c.row_version AS "rowVersion", i.risk_tier AS "riskTier",
            i.data_class AS "dataClass",
            coalesce((SELECT jsonb_agg(jsonb_build_object('name', s.name, 'description', s.description, 'justification', s.justification,
                        'consent', (SELECT jsonb_build_object('by', p.name, 'at', ${ms('n.at')}, 'statement', n.statement)
                                      FROM scope_consent n JOIN person p ON p.id = n.person_id
                                     WHERE n.credential_id = s.credential_id AND n.scope = s.name AND n.withdrawn_at IS NULL)) ORDER BY s.name)
                        FROM credential_scope s WHERE s.credential_id = c.id), '[]') AS scopes
       FROM credential c JOIN integration i ON i.id = c.integration_id WHERE c.reference = $1`,
    [reference],
  );
  return row;
}

export interface EditableIntegration {
  id: Id;
  reference: string;
  integrationId: Id;
  rowVersion: number;
  state: string;
  name: string;
  purpose: string;
  ownerContactId: Id | null;
  agreementId: Id | null;
  dataClass: string;
  riskTier: number;
  maxConnections: number | null;
}

export async function editableIntegration(
  db: Db,
  reference: string,
): Promise<EditableIntegration | undefined> {
  const [row] = await db.query<EditableIntegration[]>(
    `SELECT id, reference, id AS "integrationId", row_version AS "rowVersion", state, name, purpose, owner_contact_id AS "ownerContactId",
            agreement_id AS "agreementId", data_class AS "dataClass", risk_tier AS "riskTier",
            max_connections AS "maxConnections"
       FROM integration WHERE reference = $1`,
    [reference],
  );
  return row;
}

/** Who may own something of an integration: active contacts of its parties and of the operator. */
export async function ownerOptions(db: Db, integrationId: Id): Promise<Option[]> {
  const rows = await db.query<{ id: Id; name: string; role: string; party: string }[]>(
    `SELECT k.id, k.name, k.role, p.name AS party FROM contact k JOIN party p ON p.id = k.party_id
      WHERE k.active AND (p.is_operator OR k.party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1))
      ORDER BY p.is_operator DESC, p.name, k.role, k.ordinal, k.name LIMIT 500`,
    [integrationId],
  );
  return rows.map(({ id, name, role, party }) => ({
    value: id,
    word: `${name} (${role.replaceAll('_', ' ')})`,
    group: party,
  }));
}
