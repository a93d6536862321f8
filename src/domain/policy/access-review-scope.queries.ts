import type { BusinessCalendar } from '../../kernel/calendar.ts';
import { MONDAY_TO_FRIDAY } from '../../kernel/calendar.ts';
import type { Id } from '../../kernel/ids.ts';
import { ROLES } from '../../kernel/principal.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { grantsOf, type Permission } from '../access/permissions.ts';

/** Where somebody works: business days are counted there. */
export interface Place {
  zone: string;
  calendar: BusinessCalendar;
}

/** One integration of a campaign, and who reviews it. */
export interface ScopedIntegration {
  id: Id;
  reference: string;
  riskTier: number;
  reviewerContactId: Id | null;
  /** The account holder behind the owner, where there is one who may decide. */
  reviewerPersonId: Id | null;
  /** The owner's; null: the operator's. */
  place: Place | null;
}

const PLACE = `jsonb_build_object('zone', p.zone, 'calendar', CASE WHEN c.id IS NOT NULL THEN
  jsonb_build_object('workingDays', c.working_days, 'holidays', c.holidays::text[], 'dayEnds', to_char(c.day_ends, 'HH24:MI')) END)`;

function placeOf(row: { zone: string; calendar: BusinessCalendar | null }): Place {
  return { zone: row.zone, calendar: row.calendar ?? MONDAY_TO_FRIDAY };
}

export function rolesThatMay(permission: Permission): string[] {
  return ROLES.filter((role) => grantsOf(role).includes(permission));
}

/** Where the operator is; UTC, Monday to Friday, while nobody has said so. */
export async function operatorPlace(db: Db): Promise<Place> {
  const [row] = await db.query<{ place: Parameters<typeof placeOf>[0] }[]>(
    `SELECT ${PLACE} AS place FROM party p LEFT JOIN calendar c ON c.id = p.calendar_id
      WHERE p.is_operator AND p.retired_at IS NULL ORDER BY p.created_at, p.id LIMIT 1`,
  );
  return row ? placeOf(row.place) : { zone: 'UTC', calendar: MONDAY_TO_FRIDAY };
}

/** These integrations, without those that are retired or not there. */
export async function scopeOf(db: Db, ids: readonly Id[]): Promise<ScopedIntegration[]> {
  const rows = await db.query<
    (Omit<ScopedIntegration, 'place'> & { place: Parameters<typeof placeOf>[0] | null })[]
  >(
    `SELECT i.id, i.reference, i.risk_tier AS "riskTier", k.id AS "reviewerContactId",
            (SELECT u.person_id FROM user_account u
              WHERE u.state = 'active' AND u.party_id IS NULL AND (u.person_id = k.person_id OR u.email = lower(k.email))
                AND EXISTS (SELECT FROM user_role r WHERE r.user_id = u.id AND r.role = ANY($2::text[]))
              ORDER BY u.person_id = k.person_id DESC NULLS LAST, u.id LIMIT 1) AS "reviewerPersonId",
            CASE WHEN p.id IS NOT NULL THEN ${PLACE} END AS place
       FROM integration i
       LEFT JOIN contact k ON k.id = i.owner_contact_id AND k.active
       LEFT JOIN party p ON p.id = k.party_id
       LEFT JOIN calendar c ON c.id = p.calendar_id
      WHERE i.id = ANY($1::uuid[]) AND i.state <> 'retired' ORDER BY i.id`,
    [ids, rolesThatMay('reviews:decide')],
  );
  return rows.map(({ place, ...row }) => ({ ...row, place: place && placeOf(place) }));
}

const idsOf = (rows: { id: Id }[]) => rows.map(({ id }) => id);

/** Of one tier, those that are past their draft and not over. */
export async function integrationsOfTier(db: Db, tier: number): Promise<Id[]> {
  return idsOf(
    await db.query(
      `SELECT id FROM integration WHERE risk_tier = $1 AND state NOT IN ('draft', 'retired') ORDER BY id`,
      [tier],
    ),
  );
}

/** Of a tier, those that no part of this campaign is about; at most so many. @param since or of any campaign since then */
export async function notReviewed(
  db: Db,
  tier: number,
  reviewId: Id,
  since: Date | null,
  limit: number,
): Promise<Id[]> {
  return idsOf(
    await db.query(
      `SELECT i.id FROM integration i WHERE i.risk_tier = $1 AND i.state NOT IN ('draft', 'retired')
          AND NOT EXISTS (SELECT FROM access_review_part x JOIN access_review v ON v.id = x.review_id
                           WHERE x.integration_id = i.id AND (v.id = $2 OR v.opened_at >= $3))
        ORDER BY i.id LIMIT $4`,
      [tier, reviewId, since, limit],
    ),
  );
}

export async function integrationsOfParty(db: Db, partyId: Id): Promise<Id[]> {
  return idsOf(
    await db.query(
      `SELECT DISTINCT i.id FROM integration_party ip JOIN integration i ON i.id = ip.integration_id
        WHERE ip.party_id = $1 AND i.state IN ('approved', 'live', 'suspended') ORDER BY i.id`,
      [partyId],
    ),
  );
}

export async function integrationsOfIncident(db: Db, incidentId: Id): Promise<Id[]> {
  return idsOf(
    await db.query(
      `SELECT DISTINCT integration_id AS id FROM incident_case WHERE incident_id = $1 AND state <> 'dismissed' ORDER BY 1`,
      [incidentId],
    ),
  );
}

/** Everything under which one human being is known. */
export interface Leaver {
  contactIds: Id[];
  userIds: Id[];
}

/** @param subjectId an account or a contact */
export async function leaverOf(db: Db, subjectId: Id): Promise<Leaver> {
  const [row] = await db.query<Leaver[]>(
    `WITH gone (person_id, email) AS (
       SELECT u.person_id, u.email FROM user_account u WHERE u.id = $1
       UNION ALL SELECT k.person_id, lower(k.email) FROM contact k WHERE k.id = $1),
     people (id) AS (
       SELECT person_id FROM gone WHERE person_id IS NOT NULL
       UNION SELECT u.person_id FROM user_account u JOIN gone g ON g.email = u.email)
     SELECT coalesce((SELECT array_agg(k.id) FROM contact k WHERE k.id = $1 OR k.person_id IN (SELECT id FROM people)
                         OR lower(k.email) = (SELECT u.email FROM user_account u WHERE u.id = $1)), '{}') AS "contactIds",
            coalesce((SELECT array_agg(u.id) FROM user_account u WHERE u.person_id IN (SELECT id FROM people)), '{}') AS "userIds"`,
    [subjectId],
  );
  return row ?? { contactIds: [], userIds: [] };
}

/** Where these contacts are named as somebody who can do something. */
export async function integrationsNaming(db: Db, contactIds: readonly Id[]): Promise<Id[]> {
  return idsOf(
    await db.query(
      `SELECT DISTINCT i.id FROM (
         SELECT u.integration_id FROM credential c JOIN credential_use u ON u.credential_id = c.id
          WHERE c.owner_contact_id = ANY($1::uuid[]) AND c.retired_at IS NULL
         UNION SELECT u.integration_id FROM revocation_path p JOIN credential_use u ON u.credential_id = p.credential_id
          WHERE p.contact_id = ANY($1::uuid[])
         UNION SELECT m.integration_id FROM matrix_row r JOIN matrix_version m ON m.id = r.matrix_version_id
          WHERE r.contact_id = ANY($1::uuid[])
            AND m.number = (SELECT max(x.number) FROM matrix_version x WHERE x.integration_id = m.integration_id
                             AND x.state NOT IN ('withdrawn', 'superseded'))) f
       JOIN integration i ON i.id = f.integration_id AND i.state <> 'retired' ORDER BY i.id`,
      [contactIds],
    ),
  );
}
