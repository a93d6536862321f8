import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Verdict } from './connector.ts';
import type { RevocationFacet, SessionsFacet } from './containment.rules.ts';

/**
 * The hot statements of a version's death and its evidence. Each takes what many looks or revocations of one moment
 * write; one by itself is a list of one.
 */

const date = (at: Millis | null) => (at === null ? null : new Date(at));
const millis = (value: Date | null): Millis | null => value?.getTime() ?? null;

/** The row of one version's death, locked for this transaction. */
export interface DeathRow {
  versionId: Id;
  revocation: RevocationFacet;
  revocationAt: Millis | null;
  liveness: Verdict | null;
  livenessAt: Millis | null;
  livenessEvidenceId: Id | null;
  lastLiveAt: Millis | null;
  sessions: SessionsFacet;
  sessionsUntil: Millis | null;
  ownAuthenticationFailures: number;
  revokeSentAt: Millis | null;
  valueRef: string | null;
}

export interface DeathKey {
  versionId: Id;
  credentialId: Id;
  integrationId: Id;
  now: Millis;
}

interface Row {
  version_id: Id;
  revocation: RevocationFacet;
  revocation_at: Date | null;
  liveness: Verdict | null;
  liveness_at: Date | null;
  liveness_evidence_id: Id | null;
  last_live_at: Date | null;
  sessions: SessionsFacet;
  sessions_until: Date | null;
  own_authentication_failures: number;
  revoke_sent_at: Date | null;
  value_ref: string | null;
}

const ROW = `version_id, revocation, revocation_at, liveness, liveness_at, liveness_evidence_id, last_live_at, sessions,
             sessions_until, own_authentication_failures, revoke_sent_at, value_ref`;

/** Versions' rows, made when missing, locked in the order of their ids until the transaction ends. */
export const lockDeath = inOne(async (db: Db, keys: readonly DeathKey[]): Promise<DeathRow[]> => {
  const held = new Map<Id, Row>();
  const hold = async (ids: readonly Id[]) => {
    const rows = await db.query<Row[]>(
      `SELECT ${ROW} FROM version_death WHERE version_id = ANY($1::uuid[]) ORDER BY version_id FOR UPDATE`,
      [ids],
    );
    for (const row of rows) held.set(row.version_id, row);
  };
  await hold(keys.map((key) => key.versionId));
  const missing = keys.filter((key) => !held.has(key.versionId));
  if (missing.length > 0) {
    // What this statement makes is ours already.
    const made = await db.query<Row[]>(
      `INSERT INTO version_death (version_id, credential_id, integration_id, updated_at)
       SELECT DISTINCT ON (r.version_id) r.version_id, r.credential_id, r.integration_id, r.at
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) AS r(version_id, credential_id, integration_id, at)
        ORDER BY r.version_id ON CONFLICT (version_id) DO NOTHING
       RETURNING ${ROW}`,
      [
        missing.map((key) => key.versionId),
        missing.map((key) => key.credentialId),
        missing.map((key) => key.integrationId),
        missing.map((key) => date(key.now)),
      ],
    );
    for (const row of made) held.set(row.version_id, row);
    const theirs = missing.filter((key) => !held.has(key.versionId));
    if (theirs.length > 0) await hold(theirs.map((key) => key.versionId));
  }
  return keys.map(({ versionId }) => {
    const row = held.get(versionId);
    if (!row) throw new Error(`the death of version ${versionId} could not be read`);
    return {
      versionId: row.version_id,
      revocation: row.revocation,
      revocationAt: millis(row.revocation_at),
      liveness: row.liveness,
      livenessAt: millis(row.liveness_at),
      livenessEvidenceId: row.liveness_evidence_id,
      lastLiveAt: millis(row.last_live_at),
      sessions: row.sessions,
      sessionsUntil: millis(row.sessions_until),
      ownAuthenticationFailures: row.own_authentication_failures,
      revokeSentAt: millis(row.revoke_sent_at),
      valueRef: row.value_ref,
    };
  });
});

export interface EvidenceRow {
  id: Id;
  kind: string;
  credentialId: Id;
  integrationId: Id;
  versionId: Id;
  locationId: Id | null;
  stepId: Id | null;
  idempotencyKey: string;
  /** At least this; more where the key has evidence of the kind already. */
  attempt: number;
  connectionId: Id | null;
  path: string;
  asked: string;
  status: number | null;
  outcome: string;
  why: string;
  extract: string;
  startedAt: Millis;
  endedAt: Millis;
}

/** Adds evidence, numbered on under its key and kind. The rows of `lockDeath` must be held, so that numbers do not collide. */
export const insertEvidence = inOne(
  async (db: Db, all: readonly (readonly EvidenceRow[])[]): Promise<void[]> => {
    const rows = all.flat();
    const column = <T>(pick: (row: EvidenceRow) => T) => rows.map(pick);
    await db.query(
      `INSERT INTO evidence (id, kind, credential_id, integration_id, version_id, location_id, step_id, idempotency_key, attempt,
                           connection_id, path, asked, status, outcome, why, extract, started_at, ended_at)
     SELECT r.id, r.kind, r.credential_id, r.integration_id, r.version_id, r.location_id, r.step_id, r.idempotency_key,
            greatest(r.attempt, 1 + coalesce((SELECT max(e.attempt) FROM evidence e
                                               WHERE e.idempotency_key = r.idempotency_key AND e.kind = r.kind), 0))
              + row_number() OVER (PARTITION BY r.idempotency_key, r.kind ORDER BY r.n) - 1,
            r.connection_id, r.path, r.asked, r.status, r.outcome, r.why, r.extract, r.started_at, r.ended_at
       FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::int[],
                   $10::uuid[], $11::text[], $12::text[], $13::int[], $14::text[], $15::text[], $16::text[], $17::timestamptz[],
                   $18::timestamptz[]) WITH ORDINALITY
            AS r(id, kind, credential_id, integration_id, version_id, location_id, step_id, idempotency_key, attempt,
                 connection_id, path, asked, status, outcome, why, extract, started_at, ended_at, n)`,
      [
        column((row) => row.id),
        column((row) => row.kind),
        column((row) => row.credentialId),
        column((row) => row.integrationId),
        column((row) => row.versionId),
        column((row) => row.locationId),
        column((row) => row.stepId),
        column((row) => row.idempotencyKey),
        column((row) => row.attempt),
        column((row) => row.connectionId),
        column((row) => row.path),
        column((row) => row.asked),
        column((row) => row.status),
        column((row) => row.outcome),
        column((row) => row.why),
        column((row) => row.extract),
        column((row) => date(row.startedAt)),
        column((row) => date(row.endedAt)),
      ],
    );
    return all.map(() => undefined);
  },
);

/** A revoke was asked for (`evidenceId` null), or answered. */
export const setRevocation = inOne(
  async (
    db: Db,
    rows: readonly {
      versionId: Id;
      facet: RevocationFacet;
      at: Millis;
      evidenceId: Id | null;
      ownAuthenticationFailures: number;
      revokeSentAt: Millis | null;
    }[],
  ): Promise<void[]> => {
    await db.query(
      `UPDATE version_death d
          SET revocation = r.facet, revocation_at = CASE WHEN d.revocation = r.facet THEN d.revocation_at ELSE r.at END,
              revocation_evidence_id = coalesce(r.evidence_id, d.revocation_evidence_id),
              own_authentication_failures = r.failures, revoke_sent_at = r.sent_at, updated_at = r.at, row_version = d.row_version + 1
         FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::int[], $6::timestamptz[])
              AS r(version_id, facet, at, evidence_id, failures, sent_at)
        WHERE d.version_id = r.version_id`,
      [
        rows.map((row) => row.versionId),
        rows.map((row) => row.facet),
        rows.map((row) => date(row.at)),
        rows.map((row) => row.evidenceId),
        rows.map((row) => row.ownAuthenticationFailures),
        rows.map((row) => date(row.revokeSentAt)),
      ],
    );
    return rows.map(() => undefined);
  },
);

/** What a look showed. */
export const setLiveness = inOne(
  async (
    db: Db,
    rows: readonly {
      versionId: Id;
      verdict: Verdict;
      /** When it was seen. */
      seenAt: Millis;
      evidenceId: Id;
      controlEvidenceId: Id | null;
      at: Millis;
    }[],
  ): Promise<void[]> => {
    await db.query(
      `UPDATE version_death d
          SET liveness = r.verdict, liveness_at = r.seen_at, liveness_evidence_id = r.evidence_id, control_evidence_id = r.control_id,
              dead_since = CASE WHEN r.verdict <> 'dead' THEN NULL WHEN d.liveness = 'dead' THEN d.dead_since ELSE r.seen_at END,
              last_live_at = CASE WHEN r.verdict = 'live' THEN r.seen_at ELSE d.last_live_at END, updated_at = r.at,
              row_version = d.row_version + 1
         FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::timestamptz[])
              AS r(version_id, verdict, seen_at, evidence_id, control_id, at)
        WHERE d.version_id = r.version_id`,
      [
        rows.map((row) => row.versionId),
        rows.map((row) => row.verdict),
        rows.map((row) => date(row.seenAt)),
        rows.map((row) => row.evidenceId),
        rows.map((row) => row.controlEvidenceId),
        rows.map((row) => date(row.at)),
      ],
    );
    return rows.map(() => undefined);
  },
);

/** What became of what a version had opened. */
export const setSessions = inOne(
  async (
    db: Db,
    rows: readonly {
      versionId: Id;
      facet: SessionsFacet;
      until: Millis | null;
      at: Millis;
      evidenceId: Id;
    }[],
  ): Promise<void[]> => {
    await db.query(
      `UPDATE version_death d SET sessions = r.facet, sessions_until = r.until, sessions_at = r.at, sessions_evidence_id = r.evidence_id,
              updated_at = r.at, row_version = d.row_version + 1
         FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::uuid[])
              AS r(version_id, facet, until, at, evidence_id)
        WHERE d.version_id = r.version_id`,
      [
        rows.map((row) => row.versionId),
        rows.map((row) => row.facet),
        rows.map((row) => date(row.until)),
        rows.map((row) => date(row.at)),
        rows.map((row) => row.evidenceId),
      ],
    );
    return rows.map(() => undefined);
  },
);
