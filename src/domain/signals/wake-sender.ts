import type { Db } from '../../platform/database/transactions.ts';
import type { Outbox } from '../../platform/outbox/outbox.ts';
import { deliverSignals } from './deliver-signals.definition.ts';

/**
 * Wakes the sender when the transaction is through. One wake-up that nobody took yet is enough for all; it is looked for
 * and never locked, so that whoever tells something waits for nobody who tells something else.
 */
export async function wakeSender(db: Db, outbox: Outbox): Promise<void> {
  const waiting = await db.query<unknown[]>(
    `SELECT FROM outbox WHERE job = $1 AND done_at IS NULL AND failed_at IS NULL AND lease_until IS NULL LIMIT 1`,
    [deliverSignals.name],
  );
  if (waiting.length === 0) await outbox.put(db, deliverSignals, {});
}
