import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { rolesThatMay } from '../access/permissions.ts';
import type { CHECKOUT_STATES, Consenter, GrantView, HeldView, MachineView } from './release.schema.ts';

export interface CheckoutRow {
  id: Id;
  grantId: Id;
  identityId: Id;
  integrationId: Id;
  credentialId: Id;
  purpose: string;
  state: (typeof CHECKOUT_STATES)[number];
  seconds: number;
  askedAt: Millis;
  answerUntil: Millis | null;
  versionId: Id | null;
  version: { number: number; expiresAt: Millis | null; successor: number | null } | null;
  expiresAt: Millis | null;
  latestEnd: Millis | null;
  renewals: number;
}

const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;

export function findCheckout(db: Db, id: Id): Promise<CheckoutRow | undefined> {
  return findOne(db, 'k.id = $1', [id]);
}

/** Of a locked grant: the one that waits for consent or has it and was not fetched yet, the oldest first. */
export function findAsking(db: Db, grantId: Id, now: Millis): Promise<CheckoutRow | undefined> {
  return findOne(
    db,
    `k.grant_id = $1 AND k.state IN ('waiting', 'consented') AND k.answer_until > $2 ORDER BY k.state = 'consented' DESC, k.asked_at, k.id LIMIT 1 FOR UPDATE OF k`,
    [grantId, iso(now)],
  );
}

async function findOne(db: Db, where: string, params: unknown[]): Promise<CheckoutRow | undefined> {
  const [row] = await db.query<CheckoutRow[]>(
    `SELECT k.id, k.grant_id AS "grantId", k.identity_id AS "identityId", k.integration_id AS "integrationId", k.credential_id AS "credentialId",
            g.purpose, k.state, k.seconds, ${ms('k.asked_at')} AS "askedAt", ${ms('k.answer_until')} AS "answerUntil", k.version_id AS "versionId",
            ${ms('k.expires_at')} AS "expiresAt", ${ms('k.latest_end')} AS "latestEnd", k.renewals,
            CASE WHEN v.id IS NULL THEN NULL ELSE json_build_object('number', v.number, 'expiresAt', ${ms('v.expires_at')},
              'successor', (SELECT min(s.number) FROM credential_version s WHERE s.credential_id = v.credential_id AND s.phase IN ('pending', 'active') AND s.number > v.number)) END AS version
       FROM checkout k JOIN checkout_grant g ON g.id = k.grant_id LEFT JOIN credential_version v ON v.id = k.version_id
      WHERE ${where}`,
    params,
  );
  return row;
}

type Dates<T, K extends keyof T> = Omit<T, K> & { [key in K]: Date | null };
const text = (at: Date | null) => (at === null ? null : iso(at.getTime()));

type MachineDates = 'registeredAt' | 'decidedAt' | 'retiredAt' | 'lastUsedAt';

/** Newest first. @param of.limit at most so many */
export async function machinesOf(
  db: Db,
  of: { id?: Id; integrationId?: Id; after?: Id | undefined; limit: number },
): Promise<MachineView[]> {
  const rows = await db.query<Dates<MachineView, MachineDates>[]>(
    `SELECT id, reference, integration_id AS "integrationId", party_id AS "partyId", name, environment, kind, thumbprint, issuer, subject, state,
            registered_at AS "registeredAt", decided_at AS "decidedAt", retired_at AS "retiredAt", last_used_at AS "lastUsedAt"
       FROM machine_identity
      WHERE ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR integration_id = $2) AND ($3::uuid IS NULL OR id < $3)
      ORDER BY id DESC LIMIT $4`,
    [of.id ?? null, of.integrationId ?? null, of.after ?? null, of.limit],
  );
  return rows.map((row) => ({
    ...row,
    registeredAt: text(row.registeredAt)!,
    decidedAt: text(row.decidedAt),
    retiredAt: text(row.retiredAt),
    lastUsedAt: text(row.lastUsedAt),
  }));
}

/** Newest first. */
export async function grantsOf(
  db: Db,
  of: { id?: Id; identityId?: Id; integrationId?: Id; credentialId?: Id; limit?: number },
): Promise<GrantView[]> {
  const rows = await db.query<Dates<GrantView, 'consentUntil' | 'expiresAt' | 'requestedAt'>[]>(
    `SELECT id, identity_id AS "identityId", integration_id AS "integrationId", credential_id AS "credentialId", purpose, max_simultaneous AS "maxSimultaneous",
            max_seconds AS "maxSeconds", consent_person_id AS "consentPersonId", consent_until AS "consentUntil", state, expires_at AS "expiresAt",
            requested_at AS "requestedAt"
       FROM checkout_grant
      WHERE ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR identity_id = $2) AND ($3::uuid IS NULL OR integration_id = $3)
        AND ($4::uuid IS NULL OR credential_id = $4)
      ORDER BY id DESC LIMIT $5`,
    [
      of.id ?? null,
      of.identityId ?? null,
      of.integrationId ?? null,
      of.credentialId ?? null,
      of.limit ?? 200,
    ],
  );
  return rows.map((row) => ({
    ...row,
    consentUntil: text(row.consentUntil),
    expiresAt: text(row.expiresAt)!,
    requestedAt: text(row.requestedAt)!,
  }));
}

/** Who may be named to consent to checkouts, by name; at most 200. */
export function consenters(db: Db): Promise<Consenter[]> {
  return db.query(
    `SELECT DISTINCT p.id AS "personId", p.name FROM person p JOIN user_account u ON u.person_id = p.id JOIN user_role r ON r.user_id = u.id
      WHERE u.state = 'active' AND u.party_id IS NULL AND r.role = ANY($1) ORDER BY p.name, p.id LIMIT 200`,
    [rolesThatMay('approvals:decide')],
  );
}

/** Of a checkout `k` at `$4`: a lease that has lapsed is over, whether or not anybody has written that down yet. */
const STATE_NOW = `CASE WHEN (k.state = 'open' AND k.expires_at <= $4) OR (k.state IN ('waiting', 'consented') AND k.answer_until <= $4)
  THEN 'expired' ELSE k.state END`;

/** Who holds what, or held it: what is open first, then the newest. Values are in no row. */
export async function heldOf(
  db: Db,
  of: { credentialId?: Id | undefined; integrationId?: Id | undefined; open?: boolean; limit: number },
  now: Millis,
): Promise<HeldView[]> {
  const rows = await db.query<Dates<HeldView, 'askedAt' | 'expiresAt' | 'endedAt'>[]>(
    `SELECT k.id, n.state, k.identity_id AS "identityId", m.name AS "identityName", k.integration_id AS "integrationId", k.credential_id AS "credentialId",
            g.purpose, v.number AS "versionNumber", k.asked_at AS "askedAt", k.expires_at AS "expiresAt", k.ended_at AS "endedAt"
       FROM checkout k CROSS JOIN LATERAL (SELECT ${STATE_NOW} AS state) n
       JOIN checkout_grant g ON g.id = k.grant_id JOIN machine_identity m ON m.id = k.identity_id LEFT JOIN credential_version v ON v.id = k.version_id
      WHERE ($1::uuid IS NULL OR k.credential_id = $1) AND ($2::uuid IS NULL OR k.integration_id = $2) AND (NOT $3 OR n.state IN ('open', 'waiting', 'consented'))
      ORDER BY n.state IN ('open', 'waiting', 'consented') DESC, k.asked_at DESC, k.id DESC LIMIT $5`,
    [of.credentialId ?? null, of.integrationId ?? null, of.open ?? false, iso(now), of.limit],
  );
  return rows.map((row) => ({
    ...row,
    askedAt: text(row.askedAt)!,
    expiresAt: text(row.expiresAt),
    endedAt: text(row.endedAt),
  }));
}
