import type { Id } from '../../kernel/ids.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Trust } from '../exposures/exposure.rules.ts';
import type { Arrival } from './arrivals.ts';
import { isOpen, type IncidentState, type OpenIncidents } from './incident.rules.ts';

/**
 * Makes acceptances of the same credential follow one another: a second witness waits here rather than open a second
 * incident. In id order, so that two batches cannot wait for each other. The unique indexes hold what slips by.
 */
export async function lockCredentials(db: Db, credentialIds: readonly Id[]): Promise<void> {
  await db.query(`SELECT FROM credential WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`, [
    credentialIds,
  ]);
}

const PLACE_LOCKS = 4_100_020;

/**
 * Makes acceptances of the same place follow one another, too: what is found at a place that nobody holds yet must not
 * open two incidents. A few hundred locks serve all places, as a delivery may name thousands; asked for in one order.
 */
export async function lockPlaces(db: Db, places: readonly string[]): Promise<void> {
  if (places.length === 0) return;
  await db.query(
    `SELECT pg_advisory_xact_lock($1, n) FROM (SELECT DISTINCT hashtext(p) & 255 AS n FROM unnest($2::text[]) AS p ORDER BY n) AS o`,
    [PLACE_LOCKS, places],
  );
}

/**
 * Batches that join one incident follow one another. Asked for before the first row that refers to it is written: such a
 * row shares a lock on the incident, and two that share it could never both have it alone.
 *
 * @returns whether all of them are still open
 */
export async function lockIncidents(db: Db, incidentIds: readonly Id[]): Promise<boolean> {
  if (incidentIds.length === 0) return true;
  const rows = await rowsOf<{ state: IncidentState }>(
    db,
    `SELECT state FROM incident WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`,
    [incidentIds],
  );
  return rows.every(({ state }) => isOpen(state));
}

export async function openIncidents(
  db: Db,
  credentialIds: readonly Id[],
  places: readonly string[],
): Promise<OpenIncidents> {
  const credentials = await rowsOf<{ credential_id: Id; incident_id: Id }>(
    db,
    `SELECT DISTINCT ON (credential_id) credential_id, incident_id FROM incident_credential
      WHERE open AND credential_id = ANY($1::uuid[]) ORDER BY credential_id, joined_at, incident_id`,
    [credentialIds],
  );
  const known = await rowsOf<{ place: string; incident_id: Id }>(
    db,
    `SELECT place, incident_id FROM incident_place WHERE open AND place = ANY($1::text[])`,
    [places],
  );
  return {
    byCredential: new Map(credentials.map((row) => [row.credential_id, row.incident_id])),
    byPlace: new Map(known.map((row) => [row.place, row.incident_id])),
  };
}

/** The newest closed incident of any of these credentials: a new one names it. */
export async function previousIncident(db: Db, credentialIds: readonly Id[]): Promise<Id | null> {
  const [row] = await rowsOf<{ id: Id }>(
    db,
    `SELECT i.id FROM incident_credential x JOIN incident i ON i.id = x.incident_id AND i.state = 'closed'
      WHERE x.credential_id = ANY($1::uuid[]) ORDER BY i.closed_at DESC, i.id DESC LIMIT 1`,
    [credentialIds],
  );
  return row?.id ?? null;
}

export interface ExposedVersionRow {
  version_id: Id;
  credential_id: Id;
  integration_id: Id;
  name: string;
  environment: string;
  risk: number;
  risk_tier: number;
  authority: string | null;
  approve_within_minutes: number | null;
  approve_otherwise: string | null;
  agreement_authority: string | null;
  agreement_minutes: number | null;
  agreement_otherwise: string | null;
  /** How the version stands in the incident that it joins: null when it is new there. */
  joined_match: 'value' | 'metadata' | null;
  joined_may_act: string | null;
}

/** The versions with what was agreed about them at awareness; riskiest first. */
export function exposedVersions(
  db: Db,
  versionIds: readonly Id[],
  incidentId: Id | null,
  awareness: Date,
): Promise<ExposedVersionRow[]> {
  return rowsOf<ExposedVersionRow>(
    db,
    `SELECT v.id AS version_id, v.credential_id, v.integration_id, c.name, c.environment, c.risk, n.risk_tier,
            c.authority, c.approve_within_minutes, c.approve_otherwise,
            a.authority AS agreement_authority, a.approve_within_minutes AS agreement_minutes, a.approve_otherwise AS agreement_otherwise,
            x.match AS joined_match, x.may_act AS joined_may_act
       FROM credential_version v
       JOIN credential c ON c.id = v.credential_id
       JOIN integration n ON n.id = v.integration_id
       LEFT JOIN LATERAL (
            SELECT authority, approve_within_minutes, approve_otherwise FROM agreement_version
             WHERE agreement_id = n.agreement_id AND valid_from <= $3 AND (valid_until IS NULL OR valid_until > $3)
             ORDER BY number DESC LIMIT 1) a ON true
       -- One look for each: planned before the first portion has joined, a join would compare each with all that have.
       LEFT JOIN LATERAL (
            SELECT match, may_act FROM incident_credential WHERE incident_id = $2 AND version_id = v.id LIMIT 1) x ON true
      WHERE v.id = ANY($1::uuid[]) ORDER BY c.risk DESC, v.id`,
    [versionIds, incidentId, awareness],
  );
}

export interface IncidentCredentialInput {
  version_id: Id;
  credential_id: Id;
  integration_id: Id;
  match: 'value' | 'metadata';
  authority: string;
  approve_within_minutes: number | null;
  approve_otherwise: string | null;
  may_act: string;
  source_trust: Trust;
  why: string;
}

/** Adds versions to an incident; one that was there by metadata and is now seen by value is raised to that. */
export async function joinVersions(
  db: Db,
  incidentId: Id,
  batchId: Id,
  versions: readonly IncidentCredentialInput[],
  now: Date,
  arrival?: Arrival,
): Promise<void> {
  await db.query(
    `INSERT INTO incident_credential (incident_id, version_id, credential_id, integration_id, batch_id, match, authority,
                                      approve_within_minutes, approve_otherwise, may_act, source_trust, why, joined_at,
                                      exposure_batch_id, portion)
     SELECT $1::uuid, version_id, credential_id, integration_id, $2::uuid, match, authority, approve_within_minutes,
            approve_otherwise, may_act, source_trust, why, $4::timestamptz, $5::uuid, $6::int
       FROM jsonb_to_recordset($3::jsonb) AS r(version_id uuid, credential_id uuid, integration_id uuid, match text, authority text,
            approve_within_minutes int, approve_otherwise text, may_act text, source_trust text, why text)
      ORDER BY version_id
     ON CONFLICT (incident_id, version_id) DO UPDATE
        SET batch_id = excluded.batch_id, match = CASE WHEN incident_credential.match = 'value' THEN 'value' ELSE excluded.match END, may_act = excluded.may_act,
            source_trust = excluded.source_trust, why = excluded.why, open = true,
            exposure_batch_id = excluded.exposure_batch_id, portion = excluded.portion`,
    [
      incidentId,
      batchId,
      JSON.stringify(versions),
      now,
      arrival?.exposureBatchId ?? null,
      arrival?.portion ?? 0,
    ],
  );
}

export interface UseRow {
  credential_id: Id;
  integration_id: Id;
  agreement_version_id: Id | null;
  matrix_version_id: Id | null;
}

/** Every integration that uses one of the credentials, with agreement and matrix as they were in force at awareness. */
export function usesOf(db: Db, credentialIds: readonly Id[], awareness: Date): Promise<UseRow[]> {
  return rowsOf<UseRow>(
    db,
    `SELECT u.credential_id, u.integration_id, a.id AS agreement_version_id, m.id AS matrix_version_id
       FROM credential_use u
       JOIN integration n ON n.id = u.integration_id
       LEFT JOIN LATERAL (
            SELECT id FROM agreement_version
             WHERE agreement_id = n.agreement_id AND valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2)
             ORDER BY number DESC LIMIT 1) a ON true
       LEFT JOIN LATERAL (
            SELECT id FROM matrix_version
             WHERE integration_id = n.id AND valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2)
               AND (state <> 'withdrawn' OR valid_until IS NOT NULL)
             ORDER BY state = 'countersigned' DESC, number DESC LIMIT 1) m ON true
      WHERE u.credential_id = ANY($1::uuid[]) ORDER BY u.integration_id, u.credential_id`,
    [credentialIds, awareness],
  );
}

export interface CaseInput {
  id: Id;
  reference: string;
  integration_id: Id;
  agreement_version_id: Id | null;
  matrix_version_id: Id | null;
}

export interface CaseRow extends CaseInput {
  state: string;
  is_new: boolean;
}

/** A case for each integration that has none in this incident yet; those that it has are opened again. */
export function openCases(
  db: Db,
  incidentId: Id,
  cases: readonly CaseInput[],
  awareness: Date,
  now: Date,
): Promise<CaseRow[]> {
  return rowsOf<CaseRow>(
    db,
    `INSERT INTO incident_case (id, reference, incident_id, integration_id, matrix_version_id, agreement_version_id,
                                awareness_at, opened_at, updated_at)
     SELECT id, reference, $1::uuid, integration_id, matrix_version_id, agreement_version_id, $3::timestamptz, $4::timestamptz, $4::timestamptz
       FROM jsonb_to_recordset($2::jsonb) AS r(id uuid, reference text, integration_id uuid, agreement_version_id uuid, matrix_version_id uuid)
      ORDER BY integration_id
     ON CONFLICT (incident_id, integration_id) DO UPDATE
        SET state = 'open', contained_at = NULL, updated_at = excluded.updated_at, row_version = incident_case.row_version + 1
     RETURNING id, reference, integration_id, agreement_version_id, matrix_version_id, state, (xmax = 0) AS is_new`,
    [incidentId, JSON.stringify(cases), awareness, now],
  );
}

export async function joinCases(
  db: Db,
  rows: readonly { caseId: Id; integrationId: Id; credentialId: Id; versionId: Id }[],
  now: Date,
): Promise<void> {
  if (rows.length === 0) return;
  await db.query(
    `INSERT INTO case_credential (case_id, integration_id, credential_id, version_id, joined_at)
     SELECT r.*, $5::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) AS r
     ON CONFLICT DO NOTHING`,
    [
      rows.map((row) => row.caseId),
      rows.map((row) => row.integrationId),
      rows.map((row) => row.credentialId),
      rows.map((row) => row.versionId),
      now,
    ],
  );
}

export async function acceptExposures(
  db: Db,
  incidentId: Id,
  exposureIds: readonly Id[],
  now: Date,
): Promise<void> {
  await db.query(
    `UPDATE exposure SET state = 'accepted', incident_id = $1, updated_at = $3, row_version = row_version + 1
      WHERE id = ANY($2::uuid[]) AND state = 'matched'`,
    [incidentId, exposureIds, now],
  );
}

/** Places belong to the incident while it is open. A place that is open elsewhere stays there. */
export async function joinPlaces(db: Db, incidentId: Id, places: readonly string[]): Promise<void> {
  if (places.length === 0) return;
  await db.query(
    `INSERT INTO incident_place (incident_id, place) SELECT $1::uuid, p FROM unnest($2::text[]) AS p
      WHERE NOT EXISTS (SELECT FROM incident_place o WHERE o.place = p AND o.open)
      ORDER BY p
     ON CONFLICT (incident_id, place) DO UPDATE SET open = true`,
    [incidentId, places],
  );
}
