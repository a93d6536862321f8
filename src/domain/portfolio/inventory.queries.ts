import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { lastUse } from '../credentials/credentials.queries.ts';
import { gapsOf, rotationDueAt, rotationState, type Gap } from '../credentials/inventory.rules.ts';
import { Parameters } from '../parties/named.queries.ts';

export interface InventoryFilter {
  text?: string | undefined;
  integrationId?: Id | undefined;
  after?: { risk: number; id: Id } | undefined;
  limit: number;
}

export interface InventoryLine {
  id: Id;
  reference: string;
  name: string;
  kind: string;
  environment: string;
  risk: number;
  integration: { reference: string; name: string };
  purpose: string;
  owner: { id: Id; name: string | null; active: boolean } | null;
  store: string;
  rotateEveryDays: number | null;
  rotation: ReturnType<typeof rotationState>;
  rotationDueAt: string | null;
  expiresAt: string | null;
  lastUsedAt: string | null;
  gaps: Gap[];
}

/** Every credential with what keeps it alive, the riskiest first. */
export async function inventory(db: Db, filter: InventoryFilter, now: Millis): Promise<InventoryLine[]> {
  const parameters = new Parameters();
  const { $ } = parameters;
  const conditions = ['c.retired_at IS NULL'];
  if (filter.after !== undefined)
    conditions.push(`(c.risk, c.id) < (${$(filter.after.risk)}::int, ${$(filter.after.id)}::uuid)`);
  if (filter.text !== undefined) {
    const part = $(`%${filter.text.replace(/[\\%_]/g, (char) => `\\${char}`)}%`);
    conditions.push(`(c.name ILIKE ${part} OR c.reference ILIKE ${part} OR c.purpose ILIKE ${part})`);
  }
  if (filter.integrationId !== undefined)
    conditions.push(
      `c.id IN (SELECT u.credential_id FROM credential_use u WHERE u.integration_id = ${$(filter.integrationId)})`,
    );
  type Row = Omit<InventoryLine, 'rotation' | 'rotationDueAt' | 'expiresAt' | 'lastUsedAt' | 'gaps'> & {
    expiresAt: Date | null;
    issuedAt: Date | null;
    lastUsedAt: Date | null;
  };
  const rows = await db.query<Row[]>(
    `WITH page AS (SELECT c.* FROM credential c WHERE ${conditions.join(' AND ')} ORDER BY c.risk DESC, c.id DESC LIMIT ${$(filter.limit)})
     SELECT c.id, c.reference, c.name, c.kind, c.environment, c.risk, c.purpose, c.store, c.rotate_every_days AS "rotateEveryDays",
            jsonb_build_object('reference', i.reference, 'name', i.name) AS integration,
            CASE WHEN c.owner_contact_id IS NOT NULL THEN jsonb_build_object('id', c.owner_contact_id, 'name', k.name, 'active', coalesce(k.active, true)) END AS owner,
            v.expires_at AS "expiresAt", coalesce(v.issued_at, v.activated_at) AS "issuedAt", ${lastUse('c')} AS "lastUsedAt"
       FROM page c JOIN integration i ON i.id = c.integration_id
       LEFT JOIN contact k ON k.id = c.owner_contact_id
       LEFT JOIN credential_version v ON v.credential_id = c.id AND v.phase = 'active'
      ORDER BY c.risk DESC, c.id DESC`,
    parameters.values,
  );
  const text = (at: Date | Millis | null) => (at === null ? null : iso(Number(at)));
  return rows.map(({ issuedAt, expiresAt, lastUsedAt, ...row }) => {
    const kept = {
      ...row,
      owned: row.owner !== null && row.owner.active,
      issuedAt: issuedAt?.getTime() ?? null,
      expiresAt: expiresAt?.getTime() ?? null,
      lastUsedAt: lastUsedAt?.getTime() ?? null,
    };
    return {
      ...row,
      rotation: rotationState(kept, now),
      rotationDueAt: text(rotationDueAt(kept)),
      expiresAt: text(expiresAt),
      lastUsedAt: text(lastUsedAt),
      gaps: gapsOf(kept, now),
    };
  });
}

export interface UnownedIntegration {
  id: Id;
  reference: string;
  name: string;
  state: string;
  shadow: boolean;
  riskTier: number;
  /** Somebody who left, or null. */
  formerOwner: string | null;
  unownedSince: string | null;
  credentials: number;
  lastUsedAt: string | null;
}

/** Integrations that nobody owns, or whose owner left: the riskiest tier and most credentials first. */
export async function unownedIntegrations(db: Db, limit: number): Promise<UnownedIntegration[]> {
  type Row = Omit<UnownedIntegration, 'unownedSince' | 'lastUsedAt'> & {
    unownedSince: Date | null;
    lastUsedAt: Date | null;
  };
  const rows = await db.query<Row[]>(
    `SELECT i.id, i.reference, i.name, i.state, i.shadow, i.risk_tier AS "riskTier", k.name AS "formerOwner", i.unowned_since AS "unownedSince",
            (SELECT count(*)::int FROM credential_use u WHERE u.integration_id = i.id) AS credentials,
            (SELECT max(${lastUse('c')}) FROM credential c WHERE c.integration_id = i.id) AS "lastUsedAt"
       FROM integration i LEFT JOIN contact k ON k.id = i.owner_contact_id
      WHERE (i.owner_contact_id IS NULL OR NOT coalesce(k.active, true)) AND i.state <> 'retired'
      ORDER BY i.state = 'quarantined' DESC, i.risk_tier, credentials DESC, i.name, i.id LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({
    ...row,
    unownedSince: row.unownedSince?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  }));
}
