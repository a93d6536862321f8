import type { Principal } from '../../kernel/principal.ts';
import { HOUR } from '../../kernel/time.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { RefusedDeliveries } from './refused-deliveries.service.ts';

/** Keeps what was turned away at the door from filling the disk. */
@Sweep({ name: 'exposures.prune-refused-deliveries', every: HOUR })
export class RefusedDeliveriesSweep {
  constructor(
    private readonly transactions: Transactions,
    private readonly refused: RefusedDeliveries,
  ) {}

  sweep(by: Principal): Promise<void> {
    return this.transactions.run(by, (db) => this.refused.prune(db));
  }
}
