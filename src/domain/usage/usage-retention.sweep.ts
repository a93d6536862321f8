import { newId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { HOUR } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { KEEP_EVENTS, KEEP_PERSONAL, KEEP_SLOTS } from './retention.rules.ts';

/** Rows that one transaction takes, so that none is long. */
const PORTION = 5000;
const PORTIONS = 200;

/** What is still needed: an incident that is open, or under a legal hold, asks who used its credentials. */
const FREE = `NOT EXISTS (SELECT FROM incident_credential x WHERE x.version_id = e.version_id AND (x.open
    OR EXISTS (SELECT FROM legal_hold h WHERE h.incident_id = x.incident_id AND h.lifted_at IS NULL)))`;
const NOT_HELD = `NOT EXISTS (SELECT FROM incident_credential x JOIN legal_hold h ON h.incident_id = x.incident_id AND h.lifted_at IS NULL
    WHERE x.version_id = e.version_id)`;

/** Takes away what was kept for its time, each class of data by its own. */
@Sweep({ name: 'usage.retention', every: HOUR })
export class UsageRetentionSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const now = this.clock.now();
    const events = await this.#portions(
      by,
      `DELETE FROM usage_event WHERE id IN (SELECT e.id FROM usage_event e WHERE e.at < $1 AND ${FREE} ORDER BY e.at LIMIT ${PORTION}) RETURNING id`,
      now - KEEP_EVENTS,
    );
    const personal = await this.#portions(
      by,
      `UPDATE usage_event SET actor = NULL, address_pseudonym = NULL
        WHERE id IN (SELECT e.id FROM usage_event e WHERE e.at < $1 AND (e.actor IS NOT NULL OR e.address_pseudonym IS NOT NULL) AND ${FREE}
                      ORDER BY e.at LIMIT ${PORTION}) RETURNING id`,
      now - KEEP_PERSONAL,
    );
    await this.#portions(
      by,
      `UPDATE usage_seen SET last_actor = NULL
        WHERE (version_id, location_id, feed_key) IN (
              SELECT e.version_id, e.location_id, e.feed_key FROM usage_seen e
               WHERE e.last_at < $1 AND e.last_actor IS NOT NULL AND ${FREE} LIMIT ${PORTION}) RETURNING version_id`,
      now - KEEP_PERSONAL,
    );
    await this.#portions(
      by,
      `DELETE FROM usage_slot WHERE (version_id, slot) IN (SELECT e.version_id, e.slot FROM usage_slot e WHERE e.slot < $1 AND ${NOT_HELD} LIMIT ${PORTION}) RETURNING version_id`,
      now - KEEP_SLOTS,
    );
    if (events + personal === 0) return;
    await this.transactions.run(by, (db) =>
      this.ledger.append(db, {
        kind: 'usage.swept',
        subject: { kind: 'usage_sweep', id: newId() },
        by,
        at: now,
        facts: { events, personal },
      }),
    );
  }

  async #portions(by: Principal, sql: string, before: number): Promise<number> {
    let swept = 0;
    for (let portion = 0; portion < PORTIONS; portion++) {
      const rows = await this.transactions.run(by, (db) => rowsOf(db, sql, [new Date(before)]));
      swept += rows.length;
      if (rows.length < PORTION) break;
    }
    return swept;
  }
}
