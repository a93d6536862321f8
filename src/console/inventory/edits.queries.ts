import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
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
