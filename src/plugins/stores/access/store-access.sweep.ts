import { errorText } from '../../../kernel/errors.ts';
import type { Principal } from '../../../kernel/principal.ts';
import { iso, MINUTE } from '../../../kernel/time.ts';
import { AlertsService } from '../../../domain/notices/alerts.service.ts';
import { Clock } from '../../../platform/clock/clock.ts';
import { Transactions } from '../../../platform/database/transactions.ts';
import { Sweep } from '../../../platform/queue/handlers.ts';
import { KeptOutside } from '../../../platform/vault/kept-outside.ts';
import { Vault } from '../../../platform/vault/vault.ts';
import { accessDue, endsSoon } from './access.rules.ts';

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
    const problem = await this.#problem(store);
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

  /** What somebody has to see to; null: nothing. */
  async #problem(store: KeptOutside): Promise<string | null> {
    try {
      const access = await store.access();
      const due = access === null ? 'nothing' : accessDue(access, this.clock.now());
      if (access === null || due === 'nothing') return null;
      const ends = (at: number | null) => `our own token ends at ${iso(at ?? this.clock.now())}`;
      if (due === 'ends') return `${ends(access.endsAt)} and cannot be prolonged. Set another one.`;
      const renewed = await store.renewAccess();
      return renewed && endsSoon(renewed, access, this.clock.now())
        ? `${ends(renewed.endsAt)}, at its greatest age, whatever is done. Set another one.`
        : null;
    } catch (thrown) {
      return `our own token could not be looked at or prolonged: ${errorText(thrown)}.`;
    }
  }
}
