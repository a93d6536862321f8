import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import type { Principal } from '../../kernel/principal.ts';

/** A database session inside one transaction. Handed down as an argument, never kept. */
export type Db = EntityManager;

/**
 * The only way to the database for work on behalf of somebody: opens a transaction and tells row-level security who
 * asks. Keep network calls out of it: a supplier's silence would hold our locks.
 */
export class Transactions {
  /** @param onConflict told of each time that the database gave one of two up, with its error: a sign of locks taken crosswise */
  constructor(
    private readonly dataSource: DataSource,
    private readonly onConflict: (error: unknown) => void = () => undefined,
  ) {}

  /**
   * Runs `work` in one transaction as `principal`; commits its result, rolls back on anything thrown. Where Postgres ended
   * it to free another transaction (a deadlock, a failed serialisation), nothing of it was stored and it runs again, so
   * `work` must not change anything outside of `db` that a second run would change twice.
   */
  async run<T>(principal: Principal, work: (db: Db) => Promise<T>): Promise<T> {
    let asides = 0;
    for (let tries = 1; ; tries++) {
      try {
        const after: (() => void)[] = [];
        const result = await this.dataSource.transaction(async (db) => {
          afterwards.set(db, after);
          await db.query(SET_PRINCIPAL, settingsOf(principal));
          const worked = await work(db);
          const around = surroundings.getStore();
          if (around?.open) await around.atEnd(db);
          return worked;
        });
        for (const todo of after) todo();
        return result;
      } catch (error) {
        if (error instanceof StepAside && ++asides <= MOST_ASIDES) {
          await error.first();
          tries--;
          continue;
        }
        if (!isConflict(error)) throw error;
        this.onConflict(error);
        if (tries === MOST_TRIES) throw error;
        await sleep(Math.random() * 20 * tries);
      }
    }
  }
}

/**
 * Thrown within a transaction by whoever needs something that no transaction may wait for: it is rolled back, `first` is
 * done outside of any, and the work runs again from its beginning. Whoever catches errors within a transaction passes
 * this one on.
 */
export class StepAside extends Error {
  override readonly name = 'StepAside';
  constructor(readonly first: () => Promise<void>) {
    super('a transaction has to step aside first');
  }
}

/** More than any work needs; fewer than would go unnoticed where `first` does not bring what is missing. */
const MOST_ASIDES = 100;

/** By open transaction; weak, so that one that rolled back is forgotten with it. */
const afterwards = new WeakMap<Db, (() => void)[]>();

/** Runs `todo` once this transaction has committed, and never if it does not: for log lines, which nothing takes back. */
export function afterCommit(db: Db, todo: () => void): void {
  afterwards.get(db)?.push(todo);
}

const surroundings = new AsyncLocalStorage<{ open: boolean; atEnd: (db: Db) => Promise<unknown> }>();

/**
 * Runs `work`; `atEnd` is called at the end of each transaction that it opens, within it, so that both are stored or
 * neither. What `work` leaves behind running is not followed any further.
 */
export async function withEachTransaction<T>(
  atEnd: (db: Db) => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const around = { open: true, atEnd };
  try {
    return await surroundings.run(around, work);
  } finally {
    around.open = false;
  }
}

const MOST_TRIES = 5;

/** serialization_failure and deadlock_detected (PostgreSQL, Appendix A). */
const CONFLICTS: ReadonlySet<unknown> = new Set(['40001', '40P01']);

function isConflict(error: unknown): boolean {
  return error instanceof Error && CONFLICTS.has((error as { code?: unknown }).code);
}

// set_config(…, true) is SET LOCAL with parameters: gone with the transaction, so a pooled connection carries nothing on.
const SET_PRINCIPAL = `SELECT set_config('countersign.scope', $1, true), set_config('countersign.party', $2, true)`;

/** The installation sees all rows; a party sees its own; settings that are absent see none. */
function settingsOf(principal: Principal): [scope: string, party: string] {
  return principal.partyId === null ? ['installation', ''] : ['party', principal.partyId];
}
