import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { lastUse } from '../../domain/credentials/credentials.queries.ts';
import { ms, named } from '../shared/sql.ts';

export interface CredentialHead {
  id: Id;
  reference: string;
  name: string;
  kind: string;
  environment: string;
  purpose: string;
  direction: string;
  revocability: string;
  authority: string | null;
  approveWithinMinutes: number | null;
  risk: number;
  store: string;
  rotateEveryDays: number | null;
  lastUsedAt: Millis | null;
  ownerName: string | null;
  issuer: string;
  verifier: string;
  beneficiary: string | null;
  holders: string[];
  /** Somebody saw its value past whoever should have been asked. For the operator's eyes. */
  glassBroken: boolean;
  retiredAt: Millis | null;
  integrationReference: string;
  integrationName: string;
  /** Every integration that uses it, its home first. */
  uses: { reference: string; name: string; label: string }[];
  scopes: { name: string; description: string; justification: string }[];
}

export async function findCredential(db: Db, reference: string): Promise<CredentialHead | undefined> {
  const party = (column: string) => `coalesce((SELECT p.name FROM party p WHERE p.id = ${column}),
    (SELECT x.party_name FROM integration_party x WHERE x.integration_id = c.integration_id AND x.party_id = ${column} LIMIT 1))`;
  const [row] = await db.query<CredentialHead[]>(
    `SELECT c.id, c.reference, c.name, c.kind, c.environment, c.purpose, c.direction, c.revocability, c.authority,
            c.approve_within_minutes AS "approveWithinMinutes", c.risk, c.store, c.rotate_every_days AS "rotateEveryDays", ${ms(lastUse('c'))} AS "lastUsedAt",
            ${named('k.name', 'c.owner_contact_id')} AS "ownerName",
            coalesce(${party('c.issuer_party_id')}, 'another party') AS issuer,
            coalesce(${party('c.verifier_party_id')}, 'another party') AS verifier,
            ${party('c.beneficiary_party_id')} AS beneficiary,
            ARRAY(SELECT DISTINCT coalesce(p.name, x.party_name, 'another party') FROM credential_holder h
                    LEFT JOIN party p ON p.id = h.party_id
                    LEFT JOIN integration_party x ON x.integration_id = h.integration_id AND x.party_id = h.party_id
                   WHERE h.credential_id = c.id) AS holders,
            EXISTS (SELECT FROM reveal r WHERE r.credential_id = c.id AND r.break_glass) AS "glassBroken",
            ${ms('c.retired_at')} AS "retiredAt", i.reference AS "integrationReference", i.name AS "integrationName",
            coalesce((SELECT json_agg(json_build_object('reference', n.reference, 'name', n.name, 'label', u.label)
                                      ORDER BY n.id = c.integration_id DESC, n.name)
                        FROM credential_use u JOIN integration n ON n.id = u.integration_id WHERE u.credential_id = c.id), '[]') AS uses,
            coalesce((SELECT json_agg(json_build_object('name', s.name, 'description', s.description, 'justification', s.justification) ORDER BY s.name)
                        FROM credential_scope s WHERE s.credential_id = c.id), '[]') AS scopes
       FROM credential c JOIN integration i ON i.id = c.integration_id
       LEFT JOIN contact k ON k.id = c.owner_contact_id
      WHERE c.reference = $1`,
    [reference],
  );
  return row;
}

export interface VersionLine {
  id: Id;
  number: number;
  supplierId: string | null;
  phase: string;
  issuedAt: Millis | null;
  issuedBy: string | null;
  activatedAt: Millis | null;
  expiresAt: Millis | null;
  retiredAt: Millis | null;
  /** Whether its value is kept here, never the value. */
  kept: boolean;
  fingerprints: number;
  revocation: string | null;
  revocationAt: Millis | null;
  liveness: string | null;
  livenessAt: Millis | null;
  /** Since when it is proven dead. */
  deadSince: Millis | null;
  sessions: string | null;
  sessionsUntil: Millis | null;
  exposed: boolean;
}

export function versionsOf(db: Db, credentialId: Id): Promise<VersionLine[]> {
  return db.query(
    `SELECT v.id, v.number, v.supplier_id AS "supplierId", v.phase, ${ms('v.issued_at')} AS "issuedAt", v.issued_by AS "issuedBy",
            ${ms('v.activated_at')} AS "activatedAt", ${ms('v.expires_at')} AS "expiresAt", ${ms('v.retired_at')} AS "retiredAt",
            v.store_ref IS NOT NULL AS kept,
            (SELECT count(*)::int FROM fingerprint f WHERE f.version_id = v.id) AS fingerprints,
            d.revocation, ${ms('d.revocation_at')} AS "revocationAt", d.liveness, ${ms('d.liveness_at')} AS "livenessAt",
            ${ms("CASE WHEN d.liveness = 'dead' THEN coalesce(d.dead_since, d.liveness_at) END")} AS "deadSince",
            d.sessions, ${ms('d.sessions_until')} AS "sessionsUntil",
            EXISTS (SELECT 1 FROM incident_credential x WHERE x.version_id = v.id)
              OR EXISTS (SELECT 1 FROM case_credential y WHERE y.version_id = v.id) AS exposed
       FROM credential_version v LEFT JOIN version_death d ON d.version_id = v.id
      WHERE v.credential_id = $1 ORDER BY v.number DESC LIMIT 50`,
    [credentialId],
  );
}

export interface EvidenceLine {
  id: Id;
  versionNumber: number;
  kind: string;
  asked: string;
  status: number | null;
  outcome: string;
  why: string;
  extract: string;
  endedAt: Millis;
}

/** What was asked about the versions of a credential and what came back, newest first. */
export function evidenceOfCredential(db: Db, credentialId: Id): Promise<EvidenceLine[]> {
  return db.query(
    `SELECT e.id, v.number AS "versionNumber", e.kind, e.asked, e.status, e.outcome, e.why, e.extract, ${ms('e.ended_at')} AS "endedAt"
       FROM evidence e JOIN credential_version v ON v.id = e.version_id
      WHERE v.credential_id = $1 ORDER BY e.started_at DESC, e.id DESC LIMIT 50`,
    [credentialId],
  );
}

export interface Reach {
  name: string;
  kind: string;
  environment: string;
  partyName: string;
  /** `entitled`: its scopes allow it. `observed`: it was seen there. `through a copy`: a copy lives on it. */
  basis: string;
  scope: string;
  lastSeenAt: Millis | null;
}

/** Every system that somebody with this credential reaches. */
export function blastRadiusOf(db: Db, credentialId: Id): Promise<Reach[]> {
  return db.query(
    `SELECT s.name, s.kind, s.environment, p.name AS "partyName", r.basis, r.scope, r."lastSeenAt"
       FROM (SELECT system_id, basis, scope, ${ms('last_seen_at')} AS "lastSeenAt" FROM credential_system WHERE credential_id = $1
             UNION ALL
             SELECT ls.system_id, 'through a copy', l.name, NULL FROM location_system ls JOIN location l ON l.id = ls.location_id
              WHERE l.credential_id = $1) r
       JOIN system s ON s.id = r.system_id JOIN party p ON p.id = s.party_id
      ORDER BY s.name, r.basis LIMIT 100`,
    [credentialId],
  );
}
