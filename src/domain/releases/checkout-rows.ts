import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { iso, SECOND, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { noteSeen, NOWHERE } from '../usage/write-usage.ts';
import type { CheckoutRow } from './checkouts.queries.ts';
import type { CheckoutFacts } from './release.rules.ts';
import type { CheckoutView } from './release.schema.ts';
import { millisOf, type KnownVersion } from './version-state.queries.ts';

/** What was declared, locked. */
export interface Grant {
  id: Id;
  identityId: Id;
  integrationId: Id;
  credentialId: Id;
  purpose: string;
  maxSimultaneous: number;
  maxSeconds: number;
  consentPersonId: Id | null;
  consentUntil: Millis | null;
  expiresAt: Millis;
}

export async function lockGrant(
  db: Db,
  of: { grantId: Id } | { identityId: Id; credentialId: Id; purpose: string },
): Promise<Grant | undefined> {
  const where =
    'grantId' in of
      ? { sql: 'id = $1', params: [of.grantId] }
      : {
          sql: `identity_id = $1 AND credential_id = $2 AND purpose = $3 AND state IN ('proposed', 'approved')`,
          params: [of.identityId, of.credentialId, of.purpose],
        };
  const [row] = await db.query<
    (Omit<Grant, 'consentUntil' | 'expiresAt'> & { consentUntil: Date | null; expiresAt: Date })[]
  >(
    `SELECT id, identity_id AS "identityId", integration_id AS "integrationId", credential_id AS "credentialId", purpose,
            max_simultaneous AS "maxSimultaneous", max_seconds AS "maxSeconds", consent_person_id AS "consentPersonId",
            consent_until AS "consentUntil", expires_at AS "expiresAt"
       FROM checkout_grant WHERE ${where.sql} FOR UPDATE`,
    where.params,
  );
  return row && { ...row, consentUntil: millisOf(row.consentUntil), expiresAt: row.expiresAt.getTime() };
}

/** What else decides, read after the lock. */
export async function factsOf(db: Db, grantId: Id): Promise<Omit<CheckoutFacts, 'version'>> {
  const [row] = await db.query<
    {
      grant: { state: string; expires: number };
      identity: { state: string; environment: string };
      integration: { state: string; pass: string; graceUntil: number | null };
      credential: { environment: string; retired: boolean };
    }[]
  >(
    `SELECT json_build_object('state', g.state, 'expires', (extract(epoch FROM g.expires_at) * 1000)::float8) AS "grant",
            json_build_object('state', m.state, 'environment', m.environment) AS identity,
            json_build_object('state', i.state, 'pass', i.pass, 'graceUntil', (extract(epoch FROM i.pass_grace_until) * 1000)::float8) AS integration,
            json_build_object('environment', c.environment, 'retired', c.retired_at IS NOT NULL) AS credential
       FROM checkout_grant g JOIN machine_identity m ON m.id = g.identity_id JOIN integration i ON i.id = g.integration_id
       JOIN credential c ON c.id = g.credential_id WHERE g.id = $1`,
    [grantId],
  );
  const { grant, ...rest } = row!;
  return { ...rest, grant: { state: grant.state, expiresAt: grant.expires } };
}

/** Under the grant's lock: nobody opens another one meanwhile. */
export async function isFull(db: Db, grant: Grant, now: Millis): Promise<Refusal | undefined> {
  const [open] = await db.query<{ count: number; next: Date | null }[]>(
    `SELECT count(*)::int AS count, min(expires_at) AS next FROM checkout WHERE grant_id = $1 AND state = 'open' AND expires_at > $2`,
    [grant.id, iso(now)],
  );
  if (open!.count < grant.maxSimultaneous) return undefined;
  return refusal(
    'too_many',
    'limit-reached',
    `${grant.maxSimultaneous} are open already, as many as were declared. Return one, or wait for one to end.`,
    { retryAfter: Math.max(SECOND, (open!.next?.getTime() ?? now) - now) },
  );
}

export function newRow(grant: Grant, seconds: number, now: Millis): CheckoutRow {
  return {
    id: newId(),
    grantId: grant.id,
    identityId: grant.identityId,
    integrationId: grant.integrationId,
    credentialId: grant.credentialId,
    purpose: grant.purpose,
    state: 'consented',
    seconds: Math.min(seconds, grant.maxSeconds),
    askedAt: now,
    answerUntil: null,
    versionId: null,
    version: null,
    expiresAt: null,
    latestEnd: null,
    renewals: 0,
  };
}

export async function insert(db: Db, row: CheckoutRow): Promise<void> {
  await db.query(
    `INSERT INTO checkout (id, grant_id, identity_id, credential_id, integration_id, state, seconds, asked_at, answer_until)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      row.id,
      row.grantId,
      row.identityId,
      row.credentialId,
      row.integrationId,
      row.state,
      row.seconds,
      iso(row.askedAt),
      row.answerUntil === null ? null : iso(row.answerUntil),
    ],
  );
}

export async function end(
  db: Db,
  id: Id,
  state: 'returned' | 'revoked' | 'failed',
  hand: string,
  now: Millis,
): Promise<void> {
  await db.query(`UPDATE checkout SET state = $2, ended_by = $3, ended_at = $4 WHERE id = $1`, [
    id,
    state,
    hand,
    iso(now),
  ]);
}

/** A lease that has lapsed is over, whether or not anybody has written that down yet. */
export function stateAt(row: CheckoutRow, now: Millis): CheckoutRow['state'] {
  const over =
    (row.state === 'open' && (row.expiresAt ?? 0) <= now) ||
    ((row.state === 'waiting' || row.state === 'consented') && (row.answerUntil ?? 0) <= now);
  return over ? 'expired' : row.state;
}

export function viewOf(row: CheckoutRow): CheckoutView {
  const at = (millis: Millis | null) => (millis === null ? null : iso(millis));
  return {
    id: row.id,
    state: row.state,
    credentialId: row.credentialId,
    purpose: row.purpose,
    answerUntil: at(row.answerUntil),
    expiresAt: at(row.expiresAt),
    latestEnd: at(row.latestEnd),
    renewals: row.renewals,
    version: row.version && { ...row.version, expiresAt: at(row.version.expiresAt) },
  };
}

/**
 * A release is a use that was declared: by a known actor, from its own environment. Of no feed, so that a day without a
 * checkout is no gap in anybody's reports.
 */
export async function noteUse(db: Db, grant: Grant, version: KnownVersion, now: Millis): Promise<void> {
  const [machine] = await db.query<{ reference: string; environment: string }[]>(
    `SELECT reference, environment FROM machine_identity WHERE id = $1`,
    [grant.identityId],
  );
  const { reference: actor, environment } = machine!;
  const id = newId();
  const { credentialId, integrationId } = version;
  await db.query(
    `INSERT INTO usage_event (id, version_id, credential_id, integration_id, at, outcome, actor, environment, reported_by, received_at)
     VALUES ($1, $2, $3, $4, $5, 'accepted', $6, $7, 'checkout', $5)`,
    [id, version.id, credentialId, integrationId, iso(now), actor, environment],
  );
  await db.query(
    `INSERT INTO known_actor (credential_id, integration_id, actor, declared_by, declared_at) VALUES ($1, $2, $3, 'checkout', $4)
     ON CONFLICT (credential_id, actor) DO NOTHING`,
    [credentialId, integrationId, actor, iso(now)],
  );
  const use = {
    id,
    eventId: id,
    versionId: version.id,
    credentialId,
    integrationId,
    locationId: null,
    locationKey: null,
    at: now,
    outcome: 'accepted' as const,
    actor,
    environment,
    address: null,
  };
  await noteSeen(db, [use], NOWHERE);
}
