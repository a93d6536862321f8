import type { Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { consenters } from '../../domain/releases/checkouts.queries.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ms } from '../shared/sql.ts';

export interface RevealLine {
  reference: string;
  versionNumber: number;
  person: string;
  reason: string;
  breakGlass: boolean;
  skipped: string[];
  told: number;
  at: Millis;
}

/** Who has seen a value of this credential, newest first. */
export function revealsOf(db: Db, credentialId: Id): Promise<RevealLine[]> {
  return db.query(
    `SELECT r.reference, v.number AS "versionNumber", p.name AS person, r.reason, r.break_glass AS "breakGlass", r.skipped, r.told, ${ms('r.at')} AS at
       FROM reveal r JOIN credential_version v ON v.id = r.version_id JOIN person p ON p.id = r.person_id
      WHERE r.credential_id = $1 ORDER BY r.at DESC LIMIT 30`,
    [credentialId],
  );
}

export interface OwnPermission {
  state: 'asked' | 'given';
  validUntil: Millis | null;
}

/** What the reader has asked for, or holds, of this credential. */
export async function ownPermission(
  db: Db,
  userId: Id,
  credentialId: Id,
  now: Millis,
): Promise<OwnPermission | undefined> {
  const [row] = await db.query<OwnPermission[]>(
    `SELECT state, ${ms('valid_until')} AS "validUntil" FROM temporary_permission
      WHERE user_id = $1 AND subject_id = $2 AND permission = 'credentials:reveal'
        AND ((state = 'given' AND valid_until > $3) OR (state = 'asked' AND asked_at > $3::timestamptz - interval '1 day'))
      ORDER BY state = 'given' DESC LIMIT 1`,
    [userId, credentialId, iso(now)],
  );
  return row;
}

export interface HeldLine {
  id: Id;
  state: string;
  machine: string;
  machineReference: string;
  integrationReference: string;
  credentialName: string;
  credentialReference: string;
  purpose: string;
  versionNumber: number | null;
  askedAt: Millis;
  expiresAt: Millis | null;
  consentOf: string | null;
}

/** Who holds it now, then who held it: the newest first. */
export function heldBy(
  db: Db,
  of: { credentialId: Id } | { integrationId: Id },
  now: Millis,
): Promise<HeldLine[]> {
  const [column, id] =
    'credentialId' in of ? ['credential_id', of.credentialId] : ['integration_id', of.integrationId];
  return db.query(
    `SELECT k.id, n.state, m.name AS machine, m.reference AS "machineReference", i.reference AS "integrationReference", c.name AS "credentialName",
            c.reference AS "credentialReference", g.purpose, v.number AS "versionNumber", ${ms('k.asked_at')} AS "askedAt",
            ${ms('coalesce(k.ended_at, k.expires_at, k.answer_until)')} AS "expiresAt", p.name AS "consentOf"
       FROM checkout k CROSS JOIN LATERAL (SELECT CASE WHEN (k.state = 'open' AND k.expires_at <= $2) OR (k.state IN ('waiting', 'consented') AND k.answer_until <= $2)
                                                       THEN 'expired' ELSE k.state END AS state) n
       JOIN checkout_grant g ON g.id = k.grant_id JOIN machine_identity m ON m.id = k.identity_id JOIN integration i ON i.id = k.integration_id
       JOIN credential c ON c.id = k.credential_id LEFT JOIN credential_version v ON v.id = k.version_id LEFT JOIN person p ON p.id = g.consent_person_id
      WHERE k.${column} = $1
      ORDER BY n.state IN ('open', 'waiting', 'consented') DESC, k.asked_at DESC, k.id DESC LIMIT 50`,
    [id, iso(now)],
  );
}

export interface GrantLine {
  id: Id;
  identityId: Id;
  credentialName: string;
  credentialReference: string;
  purpose: string;
  maxSimultaneous: number;
  maxSeconds: number;
  consentOf: string | null;
  state: string;
  expiresAt: Millis;
  /** Whoever asked for it, as the ledger names them. */
  requestedBy: string;
}

export function grantLines(db: Db, integrationId: Id): Promise<GrantLine[]> {
  return db.query(
    `SELECT g.id, g.identity_id AS "identityId", c.name AS "credentialName", c.reference AS "credentialReference", g.purpose,
            g.max_simultaneous AS "maxSimultaneous", g.max_seconds AS "maxSeconds", p.name AS "consentOf", g.state, ${ms('g.expires_at')} AS "expiresAt",
            g.requested_by AS "requestedBy"
       FROM checkout_grant g JOIN credential c ON c.id = g.credential_id LEFT JOIN person p ON p.id = g.consent_person_id
      WHERE g.integration_id = $1 ORDER BY g.state IN ('proposed', 'approved') DESC, g.requested_at DESC, g.id LIMIT 200`,
    [integrationId],
  );
}

export interface MachineLine {
  id: Id;
  reference: string;
  name: string;
  partyName: string;
  environment: string;
  kind: 'key' | 'oidc';
  provenBy: string;
  state: string;
  registeredBy: string;
  lastUsedAt: Millis | null;
}

export function machineLines(db: Db, integrationId: Id): Promise<MachineLine[]> {
  return db.query(
    `SELECT m.id, m.reference, m.name, p.name AS "partyName", m.environment, m.kind, coalesce(m.thumbprint, m.issuer || ' ' || m.subject) AS "provenBy", m.state,
            m.registered_by AS "registeredBy", ${ms('m.last_used_at')} AS "lastUsedAt"
       FROM machine_identity m JOIN party p ON p.id = m.party_id
      WHERE m.integration_id = $1 ORDER BY m.state IN ('proposed', 'approved') DESC, m.id DESC LIMIT 200`,
    [integrationId],
  );
}

export interface Named {
  id: Id;
  name: string;
}

/** What the forms of an integration's machines choose from. */
export async function machineChoices(
  db: Db,
  integrationId: Id,
): Promise<{ parties: Named[]; credentials: (Named & { environment: string })[]; people: Named[] }> {
  return {
    parties: await db.query(
      `SELECT DISTINCT party_id AS id, party_name AS name FROM integration_party WHERE integration_id = $1 ORDER BY 2`,
      [integrationId],
    ),
    credentials: await db.query(
      `SELECT c.id, c.name, c.environment FROM credential_use u JOIN credential c ON c.id = u.credential_id
        WHERE u.integration_id = $1 AND c.retired_at IS NULL ORDER BY c.name LIMIT 500`,
      [integrationId],
    ),
    people: (await consenters(db)).map(({ personId, name }) => ({ id: personId, name })),
  };
}

export interface AskedPermission {
  id: Id;
  person: string;
  own: boolean;
  credentialName: string;
  credentialReference: string;
  reason: string;
  minutes: number;
  askedAt: Millis;
}

/** Who asks to see a value. The reader's own requests are shown, and are somebody else's to answer. */
export function askedPermissions(db: Db, personId: Id | undefined, now: Millis): Promise<AskedPermission[]> {
  return db.query(
    `SELECT t.id, p.name AS person, t.person_id = $1 AS own, c.name AS "credentialName", c.reference AS "credentialReference", t.reason, t.minutes, ${ms('t.asked_at')} AS "askedAt"
       FROM temporary_permission t JOIN person p ON p.id = t.person_id JOIN credential c ON c.id = t.subject_id
      WHERE t.state = 'asked' AND t.asked_at > $2::timestamptz - interval '1 day' ORDER BY t.asked_at LIMIT 100`,
    [personId ?? null, iso(now)],
  );
}

export interface AskedCheckout {
  id: Id;
  machine: string;
  machineReference: string;
  integrationName: string;
  credentialName: string;
  credentialReference: string;
  purpose: string;
  seconds: number;
  answerUntil: Millis;
}

/** Checkouts that wait for this person. */
export function askedCheckouts(db: Db, personId: Id | undefined, now: Millis): Promise<AskedCheckout[]> {
  return db.query(
    `SELECT k.id, m.name AS machine, m.reference AS "machineReference", i.name AS "integrationName", c.name AS "credentialName", c.reference AS "credentialReference",
            g.purpose, k.seconds, ${ms('k.answer_until')} AS "answerUntil"
       FROM checkout k JOIN checkout_grant g ON g.id = k.grant_id AND g.consent_person_id = $1 JOIN machine_identity m ON m.id = k.identity_id
       JOIN integration i ON i.id = k.integration_id JOIN credential c ON c.id = k.credential_id
      WHERE k.state = 'waiting' AND k.answer_until > $2 ORDER BY k.answer_until LIMIT 100`,
    [personId ?? null, iso(now)],
  );
}

export interface ConsentGrant {
  id: Id;
  machine: string;
  credentialName: string;
  credentialReference: string;
  purpose: string;
  consentUntil: Millis | null;
}

/** Grants whose consent is this person's. */
export function consentGrants(db: Db, personId: Id | undefined): Promise<ConsentGrant[]> {
  return db.query(
    `SELECT g.id, m.name AS machine, c.name AS "credentialName", c.reference AS "credentialReference", g.purpose, ${ms('g.consent_until')} AS "consentUntil"
       FROM checkout_grant g JOIN machine_identity m ON m.id = g.identity_id JOIN credential c ON c.id = g.credential_id
      WHERE g.consent_person_id = $1 AND g.state = 'approved' ORDER BY c.name, g.id LIMIT 100`,
    [personId ?? null],
  );
}

/** How many releases wait for this person, who may decide. */
export async function waitingReleases(db: Db, personId: Id, now: Millis): Promise<number> {
  const people = (await askedPermissions(db, personId, now)).filter(({ own }) => !own);
  return people.length + (await askedCheckouts(db, personId, now)).length;
}
