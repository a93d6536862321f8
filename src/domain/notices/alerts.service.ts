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
  async raise(db: Db, alert: AlertInput): Promise<void> {
    await db.query(
      `INSERT INTO alert (id, kind, severity, subject_kind, subject_id, message, dedupe_key, first_at, last_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
       ON CONFLICT (dedupe_key) WHERE handled_at IS NULL
       DO UPDATE SET occurrences = alert.occurrences + 1, last_at = excluded.last_at, message = excluded.message`,
      [
        newId(),
        alert.kind,
        alert.severity,
        alert.subject?.kind ?? null,
        alert.subject?.id ?? null,
        alert.message.slice(0, 2000),
        alert.dedupeKey.slice(0, 400),
        iso(alert.at),
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
