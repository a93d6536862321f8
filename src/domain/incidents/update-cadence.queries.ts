import { HOUR, iso, type Millis } from '../../kernel/time.ts';
import type { Id } from '../../kernel/ids.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Severity } from './incident.rules.ts';
import type { UpdateCadenceView } from './update-cadence.schema.ts';

/** How long those who were told of an open case may hear nothing more. */
export const UPDATE_EVERY: Readonly<Record<Severity, Millis>> = {
  critical: 4 * HOUR,
  high: 12 * HOUR,
  medium: 24 * HOUR,
  low: 72 * HOUR,
};

/** @param hours set for the incident by hand; null: as its severity says */
export function updateEvery(severity: Severity, hours: number | null): Millis {
  return hours === null ? UPDATE_EVERY[severity] : hours * HOUR;
}

/**
 * Parties that were told of open cases, with when they heard last. A report to an authority has phases and clocks of its own,
 * and is not followed by updates.
 */
export const TOLD = (where: string) => `
  SELECT c.incident_id, c.id AS case_id, c.reference AS case_reference, n.party_id, max(n.accepted_at) AS last
    FROM incident_case c JOIN notice n ON n.subject_id = c.id AND n.subject_kind = 'case'
   WHERE c.state = 'open' AND n.accepted_at IS NOT NULL AND n.category <> 'report' ${where} GROUP BY c.id, n.party_id`;

/** How often those who were told of an incident hear again, and who is owed an update when: the next first. */
export async function updateCadence(db: Db, incidentId: Id): Promise<UpdateCadenceView | undefined> {
  const [incident] = await rowsOf<{ severity: Severity; hours: number | null }>(
    db,
    `SELECT severity, update_every_hours AS hours FROM incident WHERE id = $1`,
    [incidentId],
  );
  if (!incident) return undefined;
  const { severity, hours } = incident;
  const every = updateEvery(severity, hours);
  const told = await rowsOf<{ caseReference: string; partyName: string; last: Date }>(
    db,
    `SELECT t.case_reference AS "caseReference", p.name AS "partyName", t.last
       FROM (${TOLD('AND c.incident_id = $1')}) t JOIN party p ON p.id = t.party_id ORDER BY t.last, p.name, t.case_reference LIMIT 50`,
    [incidentId],
  );
  return {
    everyHours: every / HOUR,
    severity,
    setByHand: hours !== null,
    told: told.map(({ last, ...one }) => ({
      ...one,
      lastAt: iso(last.getTime()),
      dueAt: iso(last.getTime() + every),
    })),
  };
}
