import type { Principal } from '../../../kernel/principal.ts';
import { MINUTE } from '../../../kernel/time.ts';
import { AlertsService } from '../../../domain/notices/alerts.service.ts';
import { Clock } from '../../../platform/clock/clock.ts';
import { Transactions } from '../../../platform/database/transactions.ts';
import { Sweep } from '../../../platform/queue/handlers.ts';
import { keepAccess } from '../../../platform/vault/keep-access.ts';
import { KeptOutside } from '../../../platform/vault/kept-outside.ts';
import { Vault } from '../../../platform/vault/vault.ts';

/** Prolongs our own authentication at stores outside before it ends, and tells somebody where that cannot be done. */
@Sweep({ name: 'stores.access', every: 5 * MINUTE })
export class StoreAccessSweep {
  constructor(
    private readonly vault: Vault,
    private readonly alerts: AlertsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  async sweep(by: Principal): Promise<void> {
    for (const store of this.vault.stores()) if (store instanceof KeptOutside) await this.#seeTo(store, by);
  }

  async #seeTo(store: KeptOutside, by: Principal): Promise<void> {
    const { problem } = await keepAccess(
      { access: () => store.access(), renew: () => store.renewAccess() },
      () => this.clock.now(),
    );
    const dedupeKey = `store.access:${store.key}`;
    const at = this.clock.now();
    await this.transactions.run(by, async (db) => {
      if (problem === null) return this.alerts.settle(db, dedupeKey, at);
      await this.alerts.raise(db, {
        kind: 'store.access',
        severity: 'critical',
        message: `${store.title}: ${problem} Without it, nothing that is kept there can be read.`,
        dedupeKey,
        at,
      });
    });
  }
}
