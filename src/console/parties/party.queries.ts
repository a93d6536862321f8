import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';

export interface PartyHead {
  id: Id;
  reference: string;
  name: string;
  operator: boolean;
  retired: boolean;
  contacts: {
    id: Id;
    name: string;
    role: string;
    email: string | null;
    phone: string | null;
    language: string | null;
    ordinal: number;
    active: boolean;
    confirmedAt: Millis | null;
    rowVersion: number;
  }[];
  verifications: { method: string; statement: string; by: string | null; at: Millis }[];
  integrations: { reference: string; name: string; roles: string[] }[];
}

/** A party as its page shows it: whom to reach there, who made sure of it, and where it has a part. */
export async function partyHead(db: Db, reference: string): Promise<PartyHead | undefined> {
  const [row] = await db.query<PartyHead[]>(
    `SELECT p.id, p.reference, p.name, p.is_operator AS operator, p.retired_at IS NOT NULL AS retired,
            coalesce((SELECT jsonb_agg(jsonb_build_object('id', k.id, 'name', k.name, 'role', k.role, 'email', k.email, 'phone', k.phone,
                        'language', k.language, 'ordinal', k.ordinal, 'active', k.active, 'confirmedAt', ${ms('k.confirmed_at')},
                        'rowVersion', k.row_version) ORDER BY k.active DESC, k.ordinal, k.name, k.id)
                        FROM contact k WHERE k.party_id = p.id), '[]') AS contacts,
            coalesce((SELECT jsonb_agg(jsonb_build_object('method', v.method, 'statement', v.statement, 'at', ${ms('v.verified_at')},
                        'by', (SELECT n.name FROM person n WHERE n.id::text = v.verified_by)) ORDER BY v.verified_at DESC, v.id DESC)
                        FROM party_verification v WHERE v.party_id = p.id AND v.withdrawn_at IS NULL), '[]') AS verifications,
            coalesce((SELECT jsonb_agg(x ORDER BY x.name, x.reference)
                        FROM (SELECT i.reference, i.name, array_agg(ip.role ORDER BY ip.role) AS roles FROM integration_party ip
                                JOIN integration i ON i.id = ip.integration_id WHERE ip.party_id = p.id AND i.state <> 'retired'
                               GROUP BY i.id ORDER BY i.name LIMIT 50) x), '[]') AS integrations
       FROM party p WHERE p.reference = $1`,
    [reference],
  );
  return row;
}
