import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { readsIn } from '../parties/contact-language.ts';

export interface Responsible {
  contactId: Id;
  contactName: string;
  partyId: Id;
  partyName: string;
  language: string;
  integrationId: Id;
  integrationName: string;
  credentialName: string;
}

/**
 * Who is told when somebody sees a value: the owner of the credential, who is accountable for its storage in the signed
 * matrix (its contact there, else the party's security contacts), and the security contacts of every party that holds it.
 * Each contact once; of a shared credential each hears of its own integration.
 */
export function responsibleFor(db: Db, credentialId: Id): Promise<Responsible[]> {
  return db.query(
    `WITH asked AS (
       SELECT c.owner_contact_id AS contact_id, NULL::uuid AS party_id, c.integration_id, 1 AS rank FROM credential c WHERE c.id = $1
       UNION ALL
       SELECT s.contact_id, CASE WHEN s.contact_id IS NULL THEN s.accountable_party_id END, s.integration_id, 2
         FROM (SELECT DISTINCT ON (v.integration_id, r.part) v.integration_id, r.contact_id, r.accountable_party_id
                 FROM credential_use u
                 JOIN matrix_version v ON v.integration_id = u.integration_id AND v.state = 'countersigned'
                 JOIN matrix_row r ON r.matrix_version_id = v.id AND r.duty = 'storage' AND (r.credential_id = $1 OR r.credential_id IS NULL)
                WHERE u.credential_id = $1
                ORDER BY v.integration_id, r.part, v.number DESC, r.credential_id NULLS LAST) s
       UNION ALL
       SELECT NULL, h.party_id, h.integration_id, 3 FROM credential_holder h WHERE h.credential_id = $1)
     SELECT DISTINCT ON (k.id) k.id AS "contactId", k.name AS "contactName", p.id AS "partyId", p.name AS "partyName", ${readsIn('k')} AS language,
            i.id AS "integrationId", i.name AS "integrationName", c.name AS "credentialName"
       FROM asked a
       JOIN contact k ON k.active AND (k.id = a.contact_id OR (k.party_id = a.party_id AND k.role = 'security'))
       JOIN party p ON p.id = k.party_id JOIN integration i ON i.id = a.integration_id JOIN credential c ON c.id = $1
      ORDER BY k.id, a.rank`,
    [credentialId],
  );
}
