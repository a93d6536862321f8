import type { Millis } from '../../kernel/time.ts';
import type { EntityManager as Db } from 'typeorm';
import { sameWork } from '../log/log.ts';

/**
 * Pieces of work that share one transaction, and the statements that they share in it. Each piece is written as if it were
 * alone: what it asks of the database by a function of `inOne` goes out in one statement with what the others ask in the
 * same moment.
 */

/** Pieces in one transaction. More of them win little, and hold each other's locks for longer. */
const MOST = 48;
/** Transactions at once: one serves best, as more come together in it; others open where many wait, or it takes long. */
const LOOPS = 3;
const MANY = 48;
const LONG: Millis = 100;
/** What can wait is gathered for so long after the last transaction began, unless so many wait already. */
const GATHER: Millis = 40;
const ENOUGH = 24;
/** How often a group steps aside together before its pieces go on one by one. */
const MOST_ASIDES = 3;

interface Piece {
  key: string;
  work: (db: Db) => Promise<unknown>;
  /** Runs it in the surroundings of whoever asked for it: its correlation id is its own. */
  there: <T>(what: () => T) => T;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/** How a group runs its transactions: each call is one, committed or rolled back whole. */
type Run = (work: (db: Db) => Promise<unknown>) => Promise<unknown>;

/** What a piece needs first that no transaction may wait for; undefined where that is not why it failed. */
type AsideOf = (reason: unknown) => (() => Promise<void>) | undefined;

/** Gathers pieces of work into shared transactions: those that come while others are under way wait for the next. */
export class Together {
  #waiting: Piece[] = [];
  #open = 0;
  /** When the last transaction began, and how many shared it. */
  #began = -Infinity;
  #shared = 0;
  #waits = false;

  /** @param patient  while several share each transaction, the next one may wait a little, so that more share it */
  constructor(
    private readonly run: Run,
    private readonly asideOf: AsideOf,
    private readonly patient = false,
  ) {}

  /** @param key  two pieces with one key never share a transaction: they would share its locks, too */
  join<T>(key: string, work: (db: Db) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ key, work, there: sameWork(), resolve: resolve as Piece['resolve'], reject });
      this.#spin();
    });
  }

  #spin(late = false): void {
    if (this.#open >= LOOPS || this.#waiting.length === 0) return;
    if (this.#open > 0 && this.#waiting.length < MANY && !late) return;
    if (this.#open === 0 && this.#mayWait()) return;
    this.#open += 1;
    this.#began = performance.now();
    const patience = setInterval(() => this.#spin(true), LONG).unref();
    // Whoever asks in this very moment is in it, too.
    setImmediate(() => {
      const pieces = this.#take();
      this.#shared = pieces.length;
      void (pieces.length === 0 ? Promise.resolve() : this.#group(pieces)).finally(() => {
        clearInterval(patience);
        this.#open -= 1;
        this.#spin();
      });
    });
  }

  /** Whether the next transaction waits; whoever is to be in it is asked again when it has waited for long enough. */
  #mayWait(): boolean {
    const left = this.#began + GATHER - performance.now();
    if (!this.patient || this.#shared < 2 || this.#waiting.length >= ENOUGH || left <= 0) return false;
    if (!this.#waits) {
      this.#waits = true;
      setTimeout(() => {
        this.#waits = false;
        this.#spin();
      }, left);
    }
    return true;
  }

  #take(): Piece[] {
    const taken = new Map<string, Piece>();
    const left: Piece[] = [];
    for (const piece of this.#waiting) {
      if (taken.size < MOST && !taken.has(piece.key)) taken.set(piece.key, piece);
      else left.push(piece);
    }
    this.#waiting = left;
    return [...taken.values()];
  }

  async #group(pieces: readonly Piece[]): Promise<void> {
    if (pieces.length === 1) return this.#alone(pieces[0]!);
    for (let asides = 0; ; asides++) {
      let failed: unknown[] = [];
      try {
        const values = await this.run(async (db) => {
          const sharing = new Sharing(db);
          // All of them come to an end first: nobody may still use the session when it is rolled back.
          const ends = await Promise.allSettled(pieces.map(({ work, there }) => there(() => work(db))));
          sharing.end();
          failed = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
          if (failed.length > 0) throw new OneFailed();
          return ends.map((end) => (end as PromiseFulfilledResult<unknown>).value);
        });
        for (const [at, { resolve }] of pieces.entries()) resolve((values as unknown[])[at]);
        return;
      } catch (thrown) {
        // Not theirs: the commit was refused, or there was no session to be had.
        if (!(thrown instanceof OneFailed)) {
          for (const { reject } of pieces) reject(thrown);
          return;
        }
      }
      const firsts = failed.flatMap((reason) => this.asideOf(reason) ?? []);
      if (firsts.length < failed.length || asides === MOST_ASIDES) break;
      await Promise.allSettled(firsts.map((first) => first()));
    }
    // Nothing of it was stored. Whose fault it was shows when each goes by itself.
    await Promise.all(pieces.map((piece) => this.#alone(piece)));
  }

  async #alone({ work, there, resolve, reject }: Piece): Promise<void> {
    await there(() => this.run(work)).then(resolve, reject);
  }
}

class OneFailed extends Error {
  override readonly name = 'OneFailed';
}

type Many = (db: Db, all: readonly never[]) => Promise<readonly unknown[]>;

interface Asked {
  one: unknown;
  resolve: (value: never) => void;
  reject: (reason: unknown) => void;
}

/** By open transaction; weak, so that one that rolled back is forgotten with it. */
const shared = new WeakMap<Db, Sharing>();

/** What is asked in one shared transaction, one statement after another. */
class Sharing {
  readonly #asked = new Map<Many, Asked[]>();
  readonly #end: () => void;
  #busy = false;

  constructor(private readonly db: Db) {
    shared.set(db, this);
    const runner = db.queryRunner!;
    // A session takes one statement at a time, and several pieces speak to it.
    const query = runner.query.bind(runner) as (...all: unknown[]) => Promise<unknown>;
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = (...all: unknown[]) => {
      const mine = last.then(() => query(...all));
      last = mine.catch(() => undefined);
      return mine;
    };
    Object.assign(runner, { query: inTurn });
    this.#end = () => {
      Object.assign(runner, { query });
      shared.delete(db);
    };
  }

  end(): void {
    this.#end();
  }

  ask(many: Many, one: unknown): Promise<never> {
    return new Promise<never>((resolve, reject) => {
      const asked = this.#asked.get(many);
      if (asked) asked.push({ one, resolve, reject });
      else this.#asked.set(many, [{ one, resolve, reject }]);
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (;;) {
      // After all that was just answered has asked on.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      const [next] = this.#asked;
      if (!next) break;
      const [many, asked] = next;
      this.#asked.delete(many);
      try {
        const values = await many(this.db, asked.map(({ one }) => one) as never[]);
        for (const [at, { resolve }] of asked.entries()) resolve(values[at] as never);
      } catch (thrown) {
        for (const { reject } of asked) reject(thrown);
      }
    }
    this.#busy = false;
  }
}

/**
 * Makes of a function over many one over a single thing. In a transaction that several pieces of work share, what they
 * ask in the same moment becomes one call; in any other, each is a call of its own.
 *
 * @param many  answers in the order of what it is given
 */
export function inOne<A, R>(
  many: (db: Db, all: readonly A[]) => Promise<readonly R[]>,
): (db: Db, one: A) => Promise<R> {
  return async (db, one) => {
    const sharing = shared.get(db);
    if (sharing) return sharing.ask(many as unknown as Many, one);
    const [value] = await many(db, [one]);
    return value as R;
  };
}
