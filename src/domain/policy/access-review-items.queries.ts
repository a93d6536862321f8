import type { Id } from '../../kernel/ids.ts';
import { ROLES } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { grantsOf } from '../access/permissions.ts';
import { accessOf } from './access-review.rules.ts';
import type { Leaver } from './access-review-scope.queries.ts';

export interface PartToList {
  id: Id;
  reviewId: Id;
  /** Null: the accounts and tokens. */
  integrationId: Id | null;
}

/** Whose access a campaign is about; everybody's where nothing is said. */
export interface Whose {
  leaver?: Leaver;
  /** Of accounts and tokens: only those bound to this party. */
  partyId?: Id;
}

/** Which duties of a matrix let somebody do what. */
const DUTIES = `(VALUES ('storage', 'view'), ('distribution', 'view'), ('issuance', 'rotate'), ('rotation', 'rotate'),
                        ('revocation', 'revoke'), ('containment', 'revoke')) AS d (duty, access)`;

const INSERT = `INSERT INTO access_review_item (id, review_id, part_id, number, credential_id, subject_kind, subject_id, person_id, basis, basis_id, role, access)`;
const PERSON_OF_CONTACT = `coalesce(k.person_id, (SELECT a.person_id FROM user_account a WHERE a.email = lower(k.email)))`;

/**
 * Draws the items of one part from the record: for each credential that the integration uses, whoever holds it, stores a
 * copy, can revoke it by a path or a connection, owns it, or is named by the matrix. @returns how many
 */
export async function listIntegrationItems(db: Db, part: PartToList, whose: Whose): Promise<number> {
  const [row] = await db.query<{ items: number }[]>(
    `WITH creds AS (
       SELECT c.id, c.name, c.environment, c.owner_contact_id, c.connection_id
         FROM credential_use u JOIN credential c ON c.id = u.credential_id WHERE u.integration_id = $3 AND c.retired_at IS NULL),
     matrix AS (
       SELECT r.id, r.duty, r.part, r.credential_id, r.accountable_party_id, r.contact_id FROM matrix_row r
        WHERE r.matrix_version_id = (SELECT m.id FROM matrix_version m WHERE m.integration_id = $3 AND m.state NOT IN ('withdrawn', 'superseded')
                                      ORDER BY m.number DESC LIMIT 1)),
     governing AS (
       SELECT c.id AS credential_id, r.id AS row_id, r.accountable_party_id, r.contact_id, d.access
         FROM creds c JOIN matrix r ON (r.credential_id = c.id OR r.credential_id IS NULL) AND (r.part IN ('', c.environment) OR r.credential_id = c.id)
         JOIN ${DUTIES} ON d.duty = r.duty
        -- A row for the credential stands in for those of the whole.
        WHERE r.credential_id IS NOT NULL
           OR NOT EXISTS (SELECT FROM matrix o WHERE o.credential_id = c.id AND o.duty = r.duty)),
     found (credential_id, subject_kind, subject_id, basis, basis_id, access) AS (
       SELECT h.credential_id, 'party', h.party_id, 'holder', NULL::uuid, ARRAY['view']
         FROM credential_holder h JOIN creds c ON c.id = h.credential_id WHERE h.integration_id = $3
       UNION ALL
       SELECT l.credential_id, 'party', l.party_id, 'location', NULL, ARRAY['view']
         FROM location l JOIN creds c ON c.id = l.credential_id WHERE l.integration_id = $3 AND l.retired_at IS NULL
        GROUP BY l.credential_id, l.party_id
       UNION ALL
       SELECT p.credential_id, CASE p.kind WHEN 'contact' THEN 'contact' ELSE 'connection' END, coalesce(p.contact_id, p.connection_id), 'path', p.id, ARRAY['revoke']
         FROM revocation_path p JOIN creds c ON c.id = p.credential_id LEFT JOIN connection n ON n.id = p.connection_id
        WHERE coalesce(p.contact_id, p.connection_id) IS NOT NULL AND n.retired_at IS NULL
       UNION ALL
       SELECT c.id, 'connection', c.connection_id, 'connection', NULL, ARRAY['rotate', 'revoke']
         FROM creds c JOIN connection n ON n.id = c.connection_id AND n.retired_at IS NULL
       UNION ALL
       SELECT c.id, 'contact', c.owner_contact_id, 'owner', NULL, ARRAY['rotate', 'revoke'] FROM creds c WHERE c.owner_contact_id IS NOT NULL
       UNION ALL
       SELECT g.credential_id, 'contact', g.contact_id, 'matrix', NULL, array_agg(DISTINCT g.access) FROM governing g
        WHERE g.contact_id IS NOT NULL GROUP BY g.credential_id, g.contact_id
       UNION ALL
       SELECT g.credential_id, 'party', f.party_id, 'matrix', NULL, array_agg(DISTINCT g.access)
         FROM governing g
         JOIN (SELECT m.matrix_row_id, m.party_id FROM matrix_performer m UNION SELECT x.id, x.accountable_party_id FROM matrix x) f ON f.matrix_row_id = g.row_id
        GROUP BY g.credential_id, f.party_id),
     added AS (
       ${INSERT}
       SELECT gen_random_uuid(), $1, $2, row_number() OVER (ORDER BY c.name, f.credential_id, f.subject_kind, f.subject_id, f.basis, f.basis_id),
              f.credential_id, f.subject_kind, f.subject_id, CASE WHEN f.subject_kind = 'contact' THEN ${PERSON_OF_CONTACT} END,
              f.basis, f.basis_id, '', f.access
         FROM found f JOIN creds c ON c.id = f.credential_id LEFT JOIN contact k ON f.subject_kind = 'contact' AND k.id = f.subject_id
        WHERE $4::uuid[] IS NULL OR (f.subject_kind = 'contact' AND f.subject_id = ANY($4::uuid[]))
       RETURNING 1)
     SELECT count(*)::int AS items FROM added`,
    [part.reviewId, part.id, part.integrationId, whose.leaver?.contactIds ?? null],
  );
  return row?.items ?? 0;
}

/**
 * The accounts, one item a role, and the tokens that still work. A role is given once and for everything, so that it is
 * looked at once, and not again with every credential. @returns how many
 */
export async function listAccountItems(db: Db, part: PartToList, whose: Whose, now: Millis): Promise<number> {
  const roles = ROLES.map((role) => ({ role, access: accessOf(grantsOf(role)) })).filter(
    ({ access }) => access.length > 0,
  );
  const tokens = await db.query<
    { id: Id; role: string | null; permissions: string[] | null; personId: Id | null }[]
  >(
    `SELECT t.id, t.role, t.permissions, coalesce(u.person_id, w.person_id) AS "personId"
       FROM api_token t
       LEFT JOIN user_account u ON u.id = t.user_id
       LEFT JOIN user_account w ON t.user_id IS NULL AND w.id::text = t.created_by
      WHERE t.revoked_at IS NULL AND t.expires_at > $1
        AND ($2::uuid[] IS NULL OR t.user_id = ANY($2::uuid[]) OR t.created_by = ANY($2::text[]))
        AND ($3::uuid IS NULL OR t.party_id = $3)`,
    [new Date(now), whose.leaver?.userIds ?? null, whose.partyId ?? null],
  );
  const live = tokens.flatMap(({ id, role, permissions, personId }) => {
    const access = permissions
      ? accessOf(permissions)
      : (roles.find((one) => one.role === role)?.access ?? []);
    return access.length === 0 ? [] : [{ id, person: personId, access, role: role ?? '' }];
  });
  const [row] = await db.query<{ items: number }[]>(
    `WITH found (subject_kind, subject_id, person_id, basis, role, access, name) AS (
       SELECT 'user', u.id, u.person_id, 'role', r.role, ARRAY(SELECT jsonb_array_elements_text(g.access)), u.email
         FROM user_account u JOIN user_role r ON r.user_id = u.id
         JOIN jsonb_to_recordset($3::jsonb) AS g(role text, access jsonb) ON g.role = r.role
        WHERE (u.state = 'active' OR $5::uuid[] IS NOT NULL)
          AND ($5::uuid[] IS NULL OR u.id = ANY($5::uuid[]))
          AND ($6::uuid IS NULL OR u.party_id = $6)
          AND ($5::uuid[] IS NOT NULL OR u.party_id IS NULL OR EXISTS (
                SELECT FROM access_review_part x JOIN integration_party ip ON ip.integration_id = x.integration_id
                 WHERE x.review_id = $1 AND ip.party_id = u.party_id))
       UNION ALL
       SELECT 'token', t.id, t.person, 'token', t.role, ARRAY(SELECT jsonb_array_elements_text(t.access)), ''
         FROM jsonb_to_recordset($4::jsonb) AS t(id uuid, person uuid, role text, access jsonb)),
     added AS (
       ${INSERT}
       SELECT gen_random_uuid(), $1, $2, row_number() OVER (ORDER BY f.subject_kind DESC, f.name, f.subject_id, f.role),
              NULL, f.subject_kind, f.subject_id, f.person_id, f.basis, NULL, f.role, f.access
         FROM found f
       RETURNING 1)
     SELECT count(*)::int AS items FROM added`,
    [
      part.reviewId,
      part.id,
      JSON.stringify(roles),
      JSON.stringify(live),
      whose.leaver?.userIds ?? null,
      whose.partyId ?? null,
    ],
  );
  return row?.items ?? 0;
}
