import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService, type LedgerInput } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { judgeMatch, type Candidate, type MatchJudgement, type Trust } from './exposure.rules.ts';
import { exposuresReported } from './exposures.events.ts';

/** An exposure that is known to concern at least one version, ready to be accepted into an incident. */
export interface MatchedExposure {
  exposureId: Id;
  reference: string;
  match: 'value' | 'metadata';
  versions: readonly Pick<Candidate, 'versionId' | 'credentialId' | 'integrationId'>[];
  trust: Trust;
  place: string | null;
  receivedAt: Millis;
  occurredAt: Millis | null;
  detectedAt: Millis | null;
  publiclyLeaked: boolean;
  /** Who says so, in words for a timeline. */
  basis: string;
}

interface ExposureRow {
  id: Id;
  reference: string;
  kind: string | null;
  trust: Trust;
  place: string | null;
  received_at: Date;
  occurred_at: Date | null;
  detected_at: Date | null;
  publicly_leaked: boolean;
  source_id: Id | null;
  source_name: string | null;
  reporter_party_id: Id | null;
  reporter_kind: string;
  /** The version that the report itself names. */
  named_version_id: Id | null;
  credential_id: Id | null;
  integration_id: Id | null;
}

interface CandidateRow {
  exposure_id: Id;
  version_id: Id;
  credential_id: Id;
  integration_id: Id;
  credential_kind: string;
  within: boolean;
}

const WITHIN = `(e.reporter_party_id IS NULL OR EXISTS (
  SELECT FROM credential_use u JOIN integration_party p ON p.integration_id = u.integration_id
   WHERE u.credential_id = c.id AND p.party_id = e.reporter_party_id))`;

/** Finds what an exposure is about, by digest and by supplier id; what fits nothing goes to triage, never to silence. */
@Injectable()
export class MatchingService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly alerts: AlertsService,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Matches the waiting exposures of a batch, and locks them. Those that match are left in state `matched`: the caller
   * accepts them in the same transaction.
   */
  async match(db: Db, batchId: Id, by: Principal, now: Millis): Promise<MatchedExposure[]> {
    const rows = await rowsOf<ExposureRow>(
      db,
      `SELECT e.id, e.reference, e.kind, e.trust, e.place, e.received_at, e.occurred_at, e.detected_at, e.publicly_leaked, e.source_id,
              s.name AS source_name, e.reporter_party_id, e.reporter_kind,
              CASE WHEN e.match IS NULL THEN e.version_id END AS named_version_id, e.credential_id, e.integration_id
         FROM exposure e LEFT JOIN source s ON s.id = e.source_id
        WHERE e.batch_id = $1 AND e.state = 'received' ORDER BY e.id FOR UPDATE OF e`,
      [batchId],
    );
    if (rows.length === 0) return [];
    const byValue = grouped(await valueCandidates(db, batchId));
    const rest = rows.filter((row) => !byValue.has(row.id)).map((row) => row.id);
    const bySupplierId = grouped(rest.length > 0 ? await supplierIdCandidates(db, rest) : []);
    const judged = rows.map((row) => ({
      row,
      judgement:
        namedBy(row) ??
        judgeMatch(row, {
          byValue: byValue.get(row.id) ?? [],
          bySupplierId: bySupplierId.get(row.id) ?? [],
        }),
    }));
    await write(db, judged, now);
    await this.#triage(db, judged, by, now);
    return judged.flatMap(({ row, judgement }) =>
      judgement.state === 'matched'
        ? [
            {
              exposureId: row.id,
              reference: row.reference,
              match: judgement.match,
              versions: judgement.versions,
              trust: row.trust,
              place: row.place,
              receivedAt: row.received_at.getTime(),
              occurredAt: row.occurred_at?.getTime() ?? null,
              detectedAt: row.detected_at?.getTime() ?? null,
              publiclyLeaked: row.publicly_leaked,
              basis: `${row.reference}, reported by ${reporterOf(row)}`,
            },
          ]
        : [],
    );
  }

  /**
   * Looks again at what is in triage: versions came to be known. Their exposures wait in a batch of their own.
   * @param versionIds empty: look at all
   */
  async matchAgain(db: Db, versionIds: readonly Id[], by: Principal, now: Millis): Promise<number> {
    const found = await rowsOf<{ id: Id }>(
      db,
      `SELECT e.id FROM exposure e
        WHERE e.state = 'triage' AND (e.match IS NULL OR e.match = 'none') AND e.id IN (
              SELECT d.exposure_id FROM fingerprint f
                JOIN exposure_digest d ON d.digest = f.digest AND d.scheme = f.scheme AND d.key_id = f.key_id
               WHERE cardinality($1::uuid[]) = 0 OR f.version_id = ANY($1::uuid[])
              UNION ALL
              SELECT x.id FROM credential_version v
                JOIN exposure x ON x.supplier_id = v.supplier_id AND x.state = 'triage'
               WHERE cardinality($1::uuid[]) = 0 OR v.id = ANY($1::uuid[]))
        ORDER BY e.id FOR UPDATE`,
      [versionIds],
    );
    if (found.length === 0) return 0;
    const batchId = newId();
    await db.query(`INSERT INTO exposure_batch (id, correlation_id, created_at) VALUES ($1, $2, $3)`, [
      batchId,
      by.correlationId,
      new Date(now),
    ]);
    await db.query(
      `UPDATE exposure SET state = 'received', triage_reason = NULL, batch_id = $2, updated_at = $3, row_version = row_version + 1
        WHERE id = ANY($1::uuid[])`,
      [found.map(({ id }) => id), batchId, new Date(now)],
    );
    await this.outbox.put(db, exposuresReported, { batchId }, { key: batchId });
    return found.length;
  }

  async #triage(
    db: Db,
    judged: readonly { row: ExposureRow; judgement: MatchJudgement }[],
    by: Principal,
    now: Millis,
  ): Promise<void> {
    const entries: LedgerInput[] = [];
    const alerts = new Map<string, { row: ExposureRow; reason: string; count: number }>();
    for (const { row, judgement } of judged) {
      if (judgement.state !== 'triage') continue;
      entries.push({
        kind: 'exposure.in-triage',
        subject: { kind: 'exposure', id: row.id },
        by,
        at: now,
        facts: { reference: row.reference, code: judgement.code, match: judgement.match },
      });
      const key = `exposure.in-triage:${row.source_id ?? row.reporter_party_id ?? 'api'}:${judgement.code}`;
      const known = alerts.get(key);
      alerts.set(key, { row, reason: judgement.reason, count: (known?.count ?? 0) + 1 });
    }
    if (entries.length === 0) return;
    await this.ledger.append(db, entries);
    for (const [dedupeKey, { row, reason, count }] of alerts) {
      await this.alerts.raise(db, {
        kind: 'exposure.in-triage',
        severity: 'warning',
        subject: { kind: 'exposure', id: row.id },
        message: `${count === 1 ? row.reference : `${count} exposures up to ${row.reference}`}: ${reason}`,
        dedupeKey,
        at: now,
      });
    }
  }
}

/** A report that names a version of ours is about that version. It says nothing of the value. */
function namedBy(row: ExposureRow): MatchJudgement | null {
  if (row.named_version_id === null) return null;
  return {
    state: 'matched',
    match: 'metadata',
    versions: [
      {
        versionId: row.named_version_id,
        credentialId: row.credential_id!,
        integrationId: row.integration_id!,
        credentialKind: row.kind ?? '',
        within: true,
      },
    ],
  };
}

function reporterOf(row: ExposureRow): string {
  if (row.source_name !== null) return row.source_name;
  return row.reporter_kind === 'system' ? 'Countersign itself, from how it was used' : 'a person or program';
}

function valueCandidates(db: Db, batchId: Id): Promise<CandidateRow[]> {
  return rowsOf<CandidateRow>(
    db,
    `SELECT DISTINCT e.id AS exposure_id, f.version_id, f.credential_id, f.integration_id, c.kind AS credential_kind, ${WITHIN} AS within
       FROM exposure e
       JOIN exposure_digest d ON d.exposure_id = e.id
       JOIN fingerprint f ON f.digest = d.digest AND f.scheme = d.scheme AND f.key_id = d.key_id
       JOIN credential c ON c.id = f.credential_id
      WHERE e.batch_id = $1 AND e.state = 'received'`,
    [batchId],
  );
}

function supplierIdCandidates(db: Db, exposureIds: readonly Id[]): Promise<CandidateRow[]> {
  return rowsOf<CandidateRow>(
    db,
    `SELECT e.id AS exposure_id, v.id AS version_id, v.credential_id, v.integration_id, c.kind AS credential_kind, ${WITHIN} AS within
       FROM exposure e
       JOIN credential_version v ON v.supplier_id = e.supplier_id
       JOIN credential c ON c.id = v.credential_id
      WHERE e.id = ANY($1::uuid[]) AND e.supplier_id IS NOT NULL`,
    [exposureIds],
  );
}

function grouped(rows: readonly CandidateRow[]): Map<Id, Candidate[]> {
  const groups = new Map<Id, Candidate[]>();
  for (const row of rows) {
    const group = groups.get(row.exposure_id) ?? [];
    group.push({
      versionId: row.version_id,
      credentialId: row.credential_id,
      integrationId: row.integration_id,
      credentialKind: row.credential_kind,
      within: row.within,
    });
    groups.set(row.exposure_id, group);
  }
  return groups;
}

async function write(
  db: Db,
  judged: readonly { row: ExposureRow; judgement: MatchJudgement }[],
  now: Millis,
): Promise<void> {
  const rows = judged.map(({ row, judgement }) => {
    // Where several versions have one value, the row names the first; the incident has them all.
    const first = judgement.versions[0];
    return {
      id: row.id,
      state: judgement.state,
      reason: judgement.state === 'triage' ? judgement.reason : null,
      match: judgement.match,
      version_id: first?.versionId ?? null,
      credential_id: first?.credentialId ?? null,
      integration_id: first?.integrationId ?? null,
    };
  });
  await db.query(
    `UPDATE exposure e
        SET state = r.state, triage_reason = r.reason, match = r.match, version_id = r.version_id, credential_id = r.credential_id,
            integration_id = r.integration_id, matched_at = CASE WHEN r.state = 'matched' THEN $2::timestamptz END,
            updated_at = $2::timestamptz, row_version = e.row_version + 1
       FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, state text, reason text, match text, version_id uuid, credential_id uuid, integration_id uuid)
      WHERE e.id = r.id`,
    [JSON.stringify(rows), new Date(now)],
  );
}
