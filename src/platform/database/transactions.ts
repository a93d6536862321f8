import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { isId } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { isStale, Statements } from './statements.ts';
import { Together } from './together.ts';

/** A database session inside one transaction. Handed down as an argument, never kept. */
export type Db = EntityManager;

/**
 * The only way to the database for work on behalf of somebody: opens a transaction and tells row-level security who
 * asks. Keep network calls out of it: a supplier's silence would hold our locks.
 */
export class Transactions {
  readonly #statements = new Statements();
  readonly #together = this.#shared(false);
  readonly #patient = this.#shared(true);

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
        const result = await this.#transaction(principal, async (db) => {
          afterwards.set(db, after);
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
        const stale = isStale(error);
        if (!stale && !isConflict(error)) throw error;
        if (!stale) this.onConflict(error);
        if (tries === MOST_TRIES) throw error;
        await sleep(Math.random() * 20 * tries);
      }
    }
  }

  /**
   * The same in a transaction that work of the same moment shares, where it is the installation's own: a commit for many,
   * and one statement for what they ask alike by functions of `inOne`. Of those that share one all is stored or nothing;
   * where one fails each runs again by itself, and only that one has failed. For what comes by thousands.
   *
   * @param key  what the work is about, and locks first: two pieces about one thing never share a transaction
   */
  together<T>(principal: Principal, key: string, work: (db: Db) => Promise<T>): Promise<T> {
    return this.#join(this.#together, principal, key, work);
  }

  /** The same for what nobody waits for alone: while much is under way it waits a little, so that more share a transaction. */
  gathered<T>(principal: Principal, key: string, work: (db: Db) => Promise<T>): Promise<T> {
    return this.#join(this.#patient, principal, key, work);
  }

  #join<T>(shared: Together, principal: Principal, key: string, work: (db: Db) => Promise<T>): Promise<T> {
    const own = principal.partyId !== null || surroundings.getStore()?.open === true;
    return own ? this.run(principal, work) : shared.join(key, work);
  }

  #shared(patient: boolean): Together {
    return new Together(
      (work) => this.run(INSTALLATION, work),
      (reason) => (reason instanceof StepAside ? reason.first : undefined),
      patient,
    );
  }

  async #transaction<T>(principal: Principal, work: (db: Db) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const renewal = this.#statements.renewal((await runner.connect()) as PoolClient);
      await begin(runner, principal, renewal);
      this.#statements.serve(runner);
      const result = await work(runner.manager);
      await runner.commitTransaction();
      return result;
    } catch (thrown) {
      // What went wrong first is what is told; a session that cannot even roll back is over anyway.
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw thrown;
    } finally {
      await runner.release();
    }
  }
}

/** Opens the transaction and says who asks, in one journey to the database. */
async function begin(runner: QueryRunner, principal: Principal, before: string): Promise<void> {
  const query = runner.query.bind(runner) as (sql: string) => Promise<unknown>;
  let said = false;
  const saying = (sql: string) => {
    if (said || sql !== START) return query(sql);
    said = true;
    return query(`${START}; ${before}${settingsOf(principal)}`);
  };
  Object.assign(runner, { query: saying });
  try {
    await runner.startTransaction();
  } finally {
    Reflect.deleteProperty(runner, 'query');
  }
  if (!said) throw new Error('a transaction was opened without saying who asks');
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

/** The statement by which TypeORM opens a transaction. */
const START = 'START TRANSACTION';

/** Whoever shares a transaction acts for the installation; who it was stands with each thing that is written. */
const INSTALLATION: Principal = system('database', 'together');

/**
 * The installation sees all rows; a party sees its own; settings that are absent see none. set_config(…, true) is SET
 * LOCAL: gone with the transaction, so a pooled connection carries nothing on. As text, because a statement with
 * parameters cannot travel with another one.
 */
function settingsOf({ partyId }: Principal): string {
  if (partyId !== null && !isId(partyId)) throw new Error('a party acts whose id is none');
  const [scope, party] = partyId === null ? ['installation', ''] : ['party', partyId];
  return `SELECT set_config('countersign.scope', '${scope}', true), set_config('countersign.party', '${party}', true)`;
}
