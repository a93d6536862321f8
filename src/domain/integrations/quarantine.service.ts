import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { quarantined, released } from './integrations.events.ts';
import { quarantineStep, stateAfterQuarantine, UNOWNED_FOR } from './quarantine.rules.ts';

const BATCH = 200;

interface Row {
  id: Id;
  reference: string;
  state: string;
  shadow: boolean;
  before: string | null;
  owned: boolean;
  unownedSince: Date | null;
}

const ROW = `i.id, i.reference, i.state, i.shadow, i.state_before_quarantine AS before, k.id IS NOT NULL AS owned, i.unowned_since AS "unownedSince"
  FROM integration i LEFT JOIN contact k ON k.id = i.owner_contact_id AND k.active`;

/** Shuts what nobody owns, and opens it again for an owner. */
@Injectable()
export class QuarantineService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly alerts: AlertsService,
  ) {}

  /** Looks at one integration after its owner changed. */
  async judge(db: Db, id: Id, by: Principal): Promise<void> {
    const [row] = await rowsOf<Row>(db, `SELECT ${ROW} WHERE i.id = $1 FOR UPDATE OF i`, [id]);
    if (row) await this.#step(db, row, this.clock.now(), by);
  }

  /** Those that have something to be done about; at most so many. @returns how many were looked at */
  async round(db: Db, by: Principal): Promise<number> {
    const now = this.clock.now();
    const rows = await rowsOf<Row>(
      db,
      `SELECT ${ROW}
        WHERE (k.id IS NULL AND i.state NOT IN ('retired', 'quarantined') AND (i.state <> 'draft' OR i.shadow)
               AND (i.unowned_since IS NULL OR i.unowned_since <= $1))
           OR (i.unowned_since IS NOT NULL AND (k.id IS NOT NULL OR i.state = 'retired' OR (i.state = 'draft' AND NOT i.shadow)))
           OR (k.id IS NOT NULL AND i.state = 'quarantined')
        ORDER BY i.id LIMIT ${BATCH} FOR UPDATE OF i SKIP LOCKED`,
      [iso(now - UNOWNED_FOR)],
    );
    for (const row of rows) await this.#step(db, row, now, by);
    return rows.length;
  }

  async #step(db: Db, row: Row, now: Millis, by: Principal): Promise<void> {
    const step = quarantineStep({ ...row, unownedSince: row.unownedSince?.getTime() ?? null }, now);
    const subject = { kind: 'integration', id: row.id };
    switch (step) {
      case undefined:
        return;
      case 'mark':
      case 'clear':
        await db.query(`UPDATE integration SET unowned_since = $2 WHERE id = $1`, [
          row.id,
          step === 'mark' ? iso(now) : null,
        ]);
        return;
      case 'quarantine':
        await db.query(
          `UPDATE integration SET state = 'quarantined', state_before_quarantine = state, updated_at = $2, row_version = row_version + 1 WHERE id = $1`,
          [row.id, iso(now)],
        );
        await this.ledger.append(db, {
          kind: 'integration.quarantined',
          subject,
          by,
          at: now,
          facts: {
            reference: row.reference,
            was: row.state,
            unownedSince: row.unownedSince?.toISOString() ?? null,
          },
        });
        await this.alerts.raise(db, {
          kind: 'integration.quarantined',
          severity: row.state === 'live' ? 'critical' : 'warning',
          message: `${row.reference} is quarantined: nobody has owned it for a day (it was ${row.state.replace('_', ' ')}). Name an owner.`,
          dedupeKey: `integration.quarantined:${row.id}`,
          subject,
          at: now,
        });
        await this.outbox.put(db, quarantined, { integrationId: row.id, was: row.state });
        return;
      case 'release': {
        const state = stateAfterQuarantine(row.before);
        await db.query(
          `UPDATE integration SET state = $2, state_before_quarantine = NULL, unowned_since = NULL, updated_at = $3, row_version = row_version + 1 WHERE id = $1`,
          [row.id, state, iso(now)],
        );
        await this.ledger.append(db, {
          kind: 'integration.released',
          subject,
          by,
          at: now,
          facts: { reference: row.reference, was: row.before, state },
        });
        await this.alerts.settle(db, `integration.quarantined:${row.id}`, now);
        await this.outbox.put(db, released, {
          integrationId: row.id,
          was: row.before ?? 'quarantined',
          state,
        });
      }
    }
  }
}

/** An owner may leave without anybody touching the integration. */
@Sweep({ name: 'integrations.quarantine', every: MINUTE })
export class QuarantineSweep implements Sweeper {
  constructor(
    private readonly transactions: Transactions,
    private readonly quarantine: QuarantineService,
  ) {}

  async sweep(by: Principal): Promise<void> {
    while ((await this.transactions.run(by, (db) => this.quarantine.round(db, by))) === BATCH);
  }
}
