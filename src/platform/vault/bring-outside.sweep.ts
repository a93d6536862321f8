import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import { Transactions } from '../database/transactions.ts';
import { Sweep } from '../queue/handlers.ts';
import { KeptOutside } from './kept-outside.ts';
import { Vault } from './vault.ts';

/** Brings new secrets to the stores outside, and removes there what was destroyed. */
@Sweep({ name: 'vault.bring-outside', every: 10 * SECOND })
export class BringOutsideSweep {
  constructor(
    private readonly vault: Vault,
    private readonly transactions: Transactions,
  ) {}

  async sweep(by: Principal): Promise<void> {
    for (const store of this.vault.stores())
      if (store instanceof KeptOutside) await store.bring(this.transactions, by);
  }
}
