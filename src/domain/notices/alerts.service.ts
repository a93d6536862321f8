import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

export interface AlertInput {
  kind: string;
  severity: 'info' | 'warning' | 'critical';
  /** For people; no secret, no personal data. */
  message: string;
  /** What makes two alerts the same one: a second is counted on the first while that one is open. */
  dedupeKey: string;
  subject?: { kind: string; id: Id };
  at: Millis;
}

/** Operational messages without a duty: what somebody of the operator should look at. */
@Injectable()
export class AlertsService {
  raise(db: Db, alert: AlertInput): Promise<void> {
    return this.raiseAll(db, [alert]);
  }

  /** The same for many, in one statement. */
  async raiseAll(db: Db, alerts: readonly AlertInput[]): Promise<void> {
    // One statement cannot meet the same key twice: the last of them says it.
    const all = [...new Map(alerts.map((one) => [one.dedupeKey.slice(0, 400), one]))];
    if (all.length === 0) return;
    await db.query(
      `INSERT INTO alert (id, kind, severity, subject_kind, subject_id, message, dedupe_key, first_at, last_at)
       SELECT r.id, r.kind, r.severity, r.subject_kind, r.subject_id, r.message, r.key, r.at, r.at
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[])
           AS r(id, kind, severity, subject_kind, subject_id, message, key, at)
       ON CONFLICT (dedupe_key) WHERE handled_at IS NULL
       DO UPDATE SET occurrences = alert.occurrences + 1, last_at = excluded.last_at, message = excluded.message`,
      [
        all.map(() => newId()),
        all.map(([, { kind }]) => kind),
        all.map(([, { severity }]) => severity),
        all.map(([, { subject }]) => subject?.kind ?? null),
        all.map(([, { subject }]) => subject?.id ?? null),
        all.map(([, { message }]) => message.slice(0, 2000)),
        all.map(([key]) => key),
        all.map(([, { at }]) => iso(at)),
      ],
    );
  }

  /** What raised it is over; nobody has to look any more. */
  async settle(db: Db, dedupeKey: string, at: Millis): Promise<void> {
    await db.query(
      `UPDATE alert SET handled_by = 'system', handled_at = $2 WHERE dedupe_key = $1 AND handled_at IS NULL`,
      [dedupeKey.slice(0, 400), iso(at)],
    );
  }
}
