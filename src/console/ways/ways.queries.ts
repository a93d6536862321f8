import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';

export interface PartnerLine {
  id: Id;
  reference: string;
  name: string;
  verifiedAt: Millis | null;
  statement: string | null;
  contacts: ContactLine[];
}
export interface ContactLine {
  id: Id;
  name: string;
  role: string;
  email: string | null;
  confirmedAt: Millis | null;
  /** When they were last asked and have not answered. */
  askedAt: Millis | null;
}

/** The parties of an integration with whoever can be asked there, the operator's own included. */
export async function partnersOf(
  db: Db,
  integrationId: Id,
): Promise<(PartnerLine & { operator: boolean })[]> {
  return db.query(
    `SELECT p.id, p.reference, p.name, p.is_operator AS operator, ${ms('v.verified_at')} AS "verifiedAt", v.statement,
            coalesce((SELECT jsonb_agg(jsonb_build_object('id', k.id, 'name', k.name, 'role', k.role, 'email', k.email,
                        'confirmedAt', (extract(epoch FROM k.confirmed_at) * 1000)::float8,
                        'askedAt', (SELECT (extract(epoch FROM max(n.created_at)) * 1000)::float8 FROM notice n
                                     WHERE n.subject_id = k.id AND n.category = 'contact-confirmation' AND n.receipt <> 'acknowledged'))
                        ORDER BY k.ordinal, k.name, k.id)
                        FROM contact k WHERE k.party_id = p.id AND k.active), '[]') AS contacts
       FROM (SELECT DISTINCT party_id FROM integration_party WHERE integration_id = $1) ip
       JOIN party p ON p.id = ip.party_id
       LEFT JOIN LATERAL (SELECT verified_at, statement FROM party_verification x WHERE x.party_id = p.id AND x.withdrawn_at IS NULL
                           ORDER BY verified_at DESC, id DESC LIMIT 1) v ON true
      ORDER BY p.is_operator, p.name, p.id`,
    [integrationId],
  );
}
