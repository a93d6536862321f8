import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import { isOpen, titleOf, type IncidentState, type Severity } from './incident.rules.ts';
import type { Order } from './mass-order.rules.ts';

/**
 * A large delivery, or what is revoked together, comes into incidents over several transactions. What of it belongs to one
 * incident is one batch and one run there, and what no incident knows belongs to the one that its first portion opened.
 */
export interface Arrival {
  exposureBatchId: Id;
  /** The order of the portions: grows with each of them, over every process and try. */
  portion: number;
  /** Whether it is the last one. */
  last: boolean;
}

/** The incident that earlier portions opened, where it still takes exposures. */
export async function openedBy(db: Db, { exposureBatchId }: Arrival): Promise<Id | null> {
  const [row] = await rowsOf<{ id: Id; state: IncidentState }>(
    db,
    `SELECT i.id, i.state FROM exposure_batch b JOIN incident i ON i.id = b.incident_id WHERE b.id = $1`,
    [exposureBatchId],
  );
  return row && isOpen(row.state) ? row.id : null;
}

export async function noteOpened(db: Db, { exposureBatchId }: Arrival, incidentId: Id): Promise<void> {
  await db.query(`UPDATE exposure_batch SET incident_id = $2 WHERE id = $1`, [exposureBatchId, incidentId]);
}

/** What earlier portions left in an incident: the batch that they joined as, and the cases that they touched. */
export interface EarlierPortions {
  /** With its run, while that takes more. */
  batch: { id: Id; runId: Id } | null;
  caseIds: ReadonlySet<Id>;
}

export async function earlierPortions(
  db: Db,
  { exposureBatchId }: Arrival,
  incidentId: Id,
): Promise<EarlierPortions | null> {
  const [row] = await rowsOf<{ batch_id: Id; run_id: Id; takes: boolean }>(
    db,
    `SELECT x.batch_id, x.run_id, coalesce(r.state = 'running', false) AS takes
       FROM incident_credential x LEFT JOIN run r ON r.id = x.run_id
      WHERE x.exposure_batch_id = $1 AND x.incident_id = $2 ORDER BY x.portion DESC LIMIT 1`,
    [exposureBatchId, incidentId],
  );
  if (!row) return null;
  const cases = await rowsOf<{ case_id: Id }>(
    db,
    `SELECT DISTINCT k.case_id FROM incident_credential x
       JOIN case_credential k ON k.version_id = x.version_id
       JOIN incident_case c ON c.id = k.case_id AND c.incident_id = x.incident_id
      WHERE x.exposure_batch_id = $1 AND x.incident_id = $2`,
    [exposureBatchId, incidentId],
  );
  return {
    batch: row.takes ? { id: row.batch_id, runId: row.run_id } : null,
    caseIds: new Set(cases.map(({ case_id: id }) => id)),
  };
}

/** Of these batches, whether one has portions on the way: reports that wait to be filed, or versions still to start. */
export async function isArriving(db: Db, batchIds: readonly Id[]): Promise<boolean> {
  if (batchIds.length === 0) return false;
  const [row] = await rowsOf<{ arriving: boolean }>(
    db,
    `SELECT EXISTS (SELECT FROM exposure_batch WHERE id = ANY($1::uuid[]) AND reports_ref IS NOT NULL)
         OR EXISTS (SELECT FROM mass_revocation WHERE batch_id = ANY($1::uuid[]) AND state = 'approved') AS arriving`,
    [batchIds],
  );
  return row!.arriving;
}

/** Runs that still wait for the rest of a delivery. */
export async function runsOf(db: Db, { exposureBatchId }: Arrival): Promise<Id[]> {
  const rows = await rowsOf<{ run_id: Id }>(
    db,
    `SELECT DISTINCT run_id FROM incident_credential WHERE exposure_batch_id = $1 AND run_id IS NOT NULL`,
    [exposureBatchId],
  );
  return rows.map(({ run_id: id }) => id);
}

/** Raises the severity where a later portion shows the incident worse than the first one did. */
export async function raiseSeverity(
  db: Db,
  ledger: LedgerService,
  o: { incidentId: Id; severity: Severity; by: Principal; now: Millis },
): Promise<void> {
  const rows = await rowsOf<{ reference: string }>(
    db,
    `UPDATE incident SET severity = $2, updated_at = $3, row_version = row_version + 1
      WHERE id = $1 AND array_position(ARRAY['low', 'medium', 'high', 'critical'], severity)
                      < array_position(ARRAY['low', 'medium', 'high', 'critical'], $2)
      RETURNING reference`,
    [o.incidentId, o.severity, new Date(o.now)],
  );
  if (rows.length === 0) return;
  await ledger.append(db, {
    kind: 'incident.severity-raised',
    subject: { kind: 'incident', id: o.incidentId },
    by: o.by,
    at: o.now,
    facts: { reference: rows[0]!.reference, severity: o.severity },
  });
}

/** The title of the incident that a large delivery opened: only with its last portion is it known what leaked. */
export async function titleWhole(
  db: Db,
  ledger: LedgerService,
  o: { incidentId: Id; order?: Order | undefined; by: Principal; now: Millis },
): Promise<void> {
  const names = await rowsOf<{ name: string }>(
    db,
    `SELECT c.name FROM incident_credential x JOIN credential c ON c.id = x.credential_id
      WHERE x.incident_id = $1 GROUP BY c.name ORDER BY max(c.risk) DESC, min(x.version_id::text)`,
    [o.incidentId],
  );
  const places = await rowsOf<{ place: string }>(
    db,
    `SELECT place FROM incident_place WHERE incident_id = $1 LIMIT 2`,
    [o.incidentId],
  );
  const title = titleOf(
    names.map(({ name }) => name),
    places.length === 1 ? places[0]!.place : null,
    o.order?.reference,
  );
  const changed = await rowsOf<{ reference: string }>(
    db,
    `UPDATE incident SET title = $2, updated_at = $3, row_version = row_version + 1
      WHERE id = $1 AND title <> $2 RETURNING reference`,
    [o.incidentId, title, new Date(o.now)],
  );
  if (changed.length === 0) return;
  await ledger.append(db, {
    kind: 'incident.titled',
    subject: { kind: 'incident', id: o.incidentId },
    by: o.by,
    at: o.now,
    facts: { reference: changed[0]!.reference, credentials: names.length },
  });
}

/** When each version came to be known as exposed in an incident. */
export async function joinedSince(db: Db, incidentId: Id): Promise<ReadonlyMap<Id, Millis>> {
  const rows = await rowsOf<{ version_id: Id; joined_at: Date }>(
    db,
    `SELECT version_id, joined_at FROM incident_credential WHERE incident_id = $1 ORDER BY version_id`,
    [incidentId],
  );
  return new Map(rows.map((row) => [row.version_id, row.joined_at.getTime()]));
}
