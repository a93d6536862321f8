import type { DataSource, EntityManager } from 'typeorm';
import type { Principal } from '../../kernel/principal.ts';

/** A database session inside one transaction. Handed down as an argument, never kept. */
export type Db = EntityManager;

/**
 * The only way to the database for work on behalf of somebody: opens a transaction and tells row-level security who
 * asks. Keep network calls out of it: a supplier's silence would hold our locks.
 */
export class Transactions {
  constructor(private readonly dataSource: DataSource) {}

  /** Runs `work` in one transaction as `principal`; commits its result, rolls back on anything thrown. */
  run<T>(principal: Principal, work: (db: Db) => Promise<T>): Promise<T> {
    return this.dataSource.transaction(async (db) => {
      await db.query(SET_PRINCIPAL, settingsOf(principal));
      return work(db);
    });
  }
}

// set_config(…, true) is SET LOCAL with parameters: gone with the transaction, so a pooled connection carries nothing on.
const SET_PRINCIPAL = `SELECT set_config('countersign.scope', $1, true), set_config('countersign.party', $2, true)`;

/** The installation sees all rows; a party sees its own; settings that are absent see none. */
function settingsOf(principal: Principal): [scope: string, party: string] {
  return principal.partyId === null ? ['installation', ''] : ['party', principal.partyId];
}
