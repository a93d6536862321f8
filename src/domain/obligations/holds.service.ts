import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';

interface Held {
  id: Id;
  placed_by: string;
}

/**
 * Legal holds. While one stands on an incident, retention takes nothing that belongs to it, and the database refuses to erase
 * the texts of its record. A secret's value is no evidence and is destroyed all the same; its fingerprint stays.
 */
@Injectable()
export class HoldsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  place(incidentId: Id, reason: string, by: Principal): Promise<Result<void, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const [incident] = await rowsOf(db, `SELECT FROM incident WHERE id = $1 FOR NO KEY UPDATE`, [
        incidentId,
      ]);
      if (!incident) return err(refusal('not_found', 'no-such-incident', 'There is no such incident.'));
      const now = this.clock.now();
      const placed = await rowsOf(
        db,
        `INSERT INTO legal_hold (id, incident_id, reason, placed_by, placed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (incident_id) WHERE lifted_at IS NULL DO NOTHING RETURNING id`,
        [newId(), incidentId, reason, handOf(by), iso(now)],
      );
      if (placed.length === 0)
        return err(refusal('conflict', 'held-already', 'A legal hold stands on it already.'));
      await this.ledger.append(db, {
        kind: 'legal-hold.placed',
        subject: { kind: 'incident', id: incidentId },
        by,
        at: now,
        committed: { reason },
      });
      return ok(undefined);
    });
  }

  /** By somebody other than who placed it. */
  lift(incidentId: Id, reason: string, by: Principal): Promise<Result<void, Refusal>> {
    return this.transactions.run(by, async (db) => {
      const [held] = await rowsOf<Held>(
        db,
        `SELECT id, placed_by FROM legal_hold WHERE incident_id = $1 AND lifted_at IS NULL FOR UPDATE`,
        [incidentId],
      );
      if (!held) return err(refusal('conflict', 'no-hold', 'No legal hold stands on it.'));
      if (held.placed_by === handOf(by))
        return err(
          refusal('conflict', 'second-person-needed', 'You placed this hold; a second person lifts it.'),
        );
      const now = this.clock.now();
      await db.query(
        `UPDATE legal_hold SET lifted_by = $2, lifted_at = $3, lifted_reason = $4 WHERE id = $1`,
        [held.id, handOf(by), iso(now), reason],
      );
      await this.ledger.append(db, {
        kind: 'legal-hold.lifted',
        subject: { kind: 'incident', id: incidentId },
        by,
        at: now,
        committed: { reason },
      });
      return ok(undefined);
    });
  }
}
