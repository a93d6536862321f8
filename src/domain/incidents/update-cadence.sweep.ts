import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { TOLD, UPDATE_EVERY } from './update-cadence.queries.ts';

/**
 * Whoever was told of a case waits to hear how it goes on. When a party has heard nothing for as long as the severity
 * allows, or what was set for the incident, whoever is on call is reminded to write, and again as long as nobody does; what goes out ends the reminder.
 */
@Sweep({ name: 'incidents.update-cadence', every: MINUTE })
export class UpdateCadenceSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly alerts: AlertsService,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(by, async (db) => {
      for (const one of await waiting(db, now)) {
        const key = `case.update-due:${one.caseId}:${one.partyId}`;
        if (one.due)
          await this.alerts.raise(db, {
            kind: 'case.update-due',
            severity: 'warning',
            subject: { kind: 'incident', id: one.incidentId },
            message: `${one.reference}: ${one.caseReference} is open, and a party that was told of it has heard nothing for ${one.hours} h. Write how it stands.`,
            dedupeKey: key,
            at: now,
          });
        else await this.alerts.settle(db, key, now);
      }
    });
  }
}

interface Waiting {
  incidentId: Id;
  reference: string;
  caseId: Id;
  caseReference: string;
  partyId: Id;
  hours: number;
  due: boolean;
}

/** Parties that are owed an update and were not reminded of yet; and reminders whose reason is gone. */
function waiting(db: Db, now: Millis): Promise<Waiting[]> {
  return rowsOf<Waiting>(
    db,
    `WITH every (severity, span) AS (SELECT key, (value::text || ' milliseconds')::interval FROM jsonb_each($2::jsonb)),
     told AS (${TOLD('')})
     SELECT i.id AS "incidentId", i.reference, t.case_id AS "caseId", t.case_reference AS "caseReference", t.party_id AS "partyId",
            floor(extract(epoch FROM $1::timestamptz - t.last) / 3600)::int AS hours, t.last + s.span <= $1 AS due
       FROM told t JOIN incident i ON i.id = t.incident_id JOIN every e ON e.severity = i.severity
      CROSS JOIN LATERAL (SELECT coalesce(make_interval(hours => i.update_every_hours), e.span) AS span) s
       LEFT JOIN alert a ON a.dedupe_key = 'case.update-due:' || t.case_id || ':' || t.party_id AND a.handled_at IS NULL
      WHERE (t.last + s.span <= $1) = (a.id IS NULL)
      ORDER BY t.last LIMIT 200`,
    [iso(now), JSON.stringify(UPDATE_EVERY)],
  );
}
