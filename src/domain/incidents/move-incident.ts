import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { CanonicalValue } from '../../kernel/canonical-json.ts';
import type { Millis } from '../../kernel/time.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import type { LedgerService } from '../ledger/ledger.service.ts';
import { endAcknowledgements } from '../notices/acknowledgement.service.ts';
import { isOpen, transition, type IncidentEvent, type IncidentState } from './incident.rules.ts';
import { incidentMoved } from './incidents.events.ts';

/**
 * Moves an incident by the table of its life, with the entry and the event. Whoever is no longer open holds neither its
 * credentials nor its places: the next exposure opens a new one.
 *
 * @returns the new state, or undefined when the event does not happen in the state that the incident is in
 */
export async function moveIncident(
  db: Db,
  parts: { ledger: LedgerService; outbox: Outbox },
  incidentId: Id,
  event: IncidentEvent,
  by: Principal,
  now: Millis,
  more: { facts?: Record<string, CanonicalValue>; committed?: Record<string, string> } = {},
): Promise<IncidentState | undefined> {
  const [row] = await rowsOf<{ state: IncidentState; reference: string }>(
    db,
    `SELECT state, reference FROM incident WHERE id = $1 FOR NO KEY UPDATE`,
    [incidentId],
  );
  const to = row && transition(row.state, event);
  if (!row || !to) return undefined;
  const at = new Date(now);
  await db.query(
    `UPDATE incident SET state = $2, updated_at = $3, row_version = row_version + 1,
            contained_at = CASE $2 WHEN 'contained' THEN $3 WHEN 'containing' THEN NULL ELSE contained_at END,
            closed_at = CASE WHEN $2 IN ('closed', 'dismissed') THEN $3 END
      WHERE id = $1`,
    [incidentId, to, at],
  );
  if (!isOpen(to)) {
    await db.query(`UPDATE incident_credential SET open = false WHERE incident_id = $1 AND open`, [
      incidentId,
    ]);
    await db.query(`UPDATE incident_place SET open = false WHERE incident_id = $1 AND open`, [incidentId]);
    const cases = await rowsOf<{ id: Id }>(
      db,
      `UPDATE incident_case SET state = $2, closed_at = $3, updated_at = $3, row_version = row_version + 1 WHERE incident_id = $1 RETURNING id`,
      [incidentId, to, at],
    );
    await endAcknowledgements(
      db,
      cases.map(({ id }) => id),
      now,
    );
  }
  await parts.ledger.append(db, {
    kind: `incident.${to}`,
    subject: { kind: 'incident', id: incidentId },
    by,
    at: now,
    facts: { reference: row.reference, from: row.state, ...more.facts },
    ...(more.committed ? { committed: more.committed } : {}),
  });
  await parts.outbox.put(db, incidentMoved, { incidentId, from: row.state, to });
  return to;
}
