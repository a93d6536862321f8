import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/data-source.ts';
import { newId } from '../../src/kernel/ids.ts';
import { system, type Principal } from '../../src/kernel/principal.ts';
import { inOne } from '../../src/platform/database/together.ts';
import { afterCommit, StepAside, Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { correlationId, withCorrelation } from '../../src/platform/log/log.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

const BY = system('test', 'test');

let database: TestDatabase;
let dataSource: DataSource;
let transactions: Transactions;
let statements: number;

/** Writes the marks of several pieces in one statement. */
const mark = inOne(async (db: Db, names: readonly string[]): Promise<string[]> => {
  statements += 1;
  const rows = await db.query<{ name: string; at: string }[]>(
    `INSERT INTO queue_canary (queue, seen_at) SELECT n, now() FROM unnest($1::text[]) AS n
     RETURNING queue AS name, pg_current_xact_id()::text AS at`,
    [names],
  );
  return names.map((name) => rows.find((row) => row.name === name)!.at);
});

beforeAll(async () => {
  database = await cloneDatabase();
  dataSource = await new DataSource(dataSourceOptions(database.url)).initialize();
  transactions = new Transactions(dataSource);
});
beforeEach(async () => {
  statements = 0;
  await transactions.run(BY, (db) => db.query(`DELETE FROM queue_canary`));
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const marks = async () => {
  const rows: { queue: string }[] = await transactions.run(BY, (db) =>
    db.query(`SELECT queue FROM queue_canary ORDER BY queue`),
  );
  return rows.map((row) => row.queue);
};

test('work of one moment shares a commit and a statement, and each has its own answer', async () => {
  const told: string[] = [];
  const at = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      withCorrelation(`trail-${name}`, () =>
        transactions.together(BY, name, async (db) => {
          const when = await mark(db, name);
          afterCommit(db, () => told.push(name));
          return { when, trail: correlationId() };
        }),
      ),
    ),
  );
  expect(new Set(at.map(({ when }) => when)).size).toBe(1);
  expect(at.map(({ trail }) => trail)).toEqual(['trail-a', 'trail-b', 'trail-c']);
  expect(statements).toBe(1);
  expect(told).toEqual(['a', 'b', 'c']);
  expect(await marks()).toEqual(['a', 'b', 'c']);
});

test('what nobody waits for alone waits for others, but only after several have shared a transaction', async () => {
  const asking = new Set<string>();
  const gathered = (name: string) => {
    asking.add(name);
    return transactions.gathered(BY, name, (db) => mark(db, name));
  };
  const soon = () => new Promise((resolve) => setTimeout(resolve, 5));
  const alone = gathered('first');
  await soon();
  const next = gathered('second');
  expect(await alone).not.toBe(await next);
  // A transaction that took longer than the next one may wait lets it begin at once: on a busy machine one of many does not.
  let together = false;
  for (let round = 0; round < 20 && !together; round++) {
    await Promise.all(['a', 'b', 'c'].map((name) => gathered(`${name}${round}`)));
    const early = gathered(`d${round}`);
    await soon();
    const late = gathered(`e${round}`);
    together = (await early) === (await late);
  }
  expect(together).toBe(true);
  expect(await marks()).toEqual([...asking].sort());
});

test('one that fails fails alone, and what it wrote is gone', async () => {
  const ends = await Promise.allSettled(
    ['a', 'b', 'c'].map((name) =>
      transactions.together(BY, name, async (db) => {
        await mark(db, name);
        if (name === 'b') throw new Error('b cannot');
        return name;
      }),
    ),
  );
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(ends[1]).toMatchObject({ reason: { message: 'b cannot' } });
  expect(await marks()).toEqual(['a', 'c']);
});

test('a statement that the database refuses for one is carried out for the others', async () => {
  const ends = await Promise.allSettled(
    ['a', 'b', 'c'].map((name) =>
      transactions.together(BY, name, async (db) => {
        await mark(db, name);
        if (name === 'b') await db.query(`SELECT 1 / 0`);
      }),
    ),
  );
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(ends[1]).toMatchObject({ reason: { code: '22012' } });
  expect(await marks()).toEqual(['a', 'c']);
});

test('two about one thing never share a transaction, whose locks would be both of theirs', async () => {
  const [one, two, other] = await Promise.all(
    [
      ['same', 'a'],
      ['same', 'b'],
      ['other', 'c'],
    ].map(([key, name]) => transactions.together(BY, key!, (db) => mark(db, name!))),
  );
  expect(one).not.toBe(two);
  expect(other).toBe(one);
});

test('what a transaction may not wait for is done outside of it, once for each, and then all go on', async () => {
  const ready = new Set<string>();
  const at = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      transactions.together(BY, name, async (db) => {
        const when = await mark(db, name);
        if (name !== 'c' && !ready.has(name)) throw new StepAside(async () => void ready.add(name));
        return when;
      }),
    ),
  );
  expect(new Set(at).size).toBe(1);
  expect([...ready]).toEqual(['a', 'b']);
  expect(await marks()).toEqual(['a', 'b', 'c']);
});

test('a party acts by itself: it sees none of what the installation may write', async () => {
  const party: Principal = { ...BY, kind: 'user', partyId: newId() };
  const seen: unknown[] = [];
  const [, theirs] = await Promise.allSettled([
    transactions.together(BY, 'a', (db) => mark(db, 'a')),
    transactions.together(party, 'b', async (db) => {
      seen.push(...(await db.query<unknown[]>(`SELECT queue FROM queue_canary`)));
      return mark(db, 'b');
    }),
  ]);
  expect(theirs).toMatchObject({ status: 'rejected', reason: { code: '42501' } });
  expect(seen).toEqual([]);
  expect(await marks()).toEqual(['a']);
});

test('many at once all come through, while another holds what one of them needs', async () => {
  const names = Array.from({ length: 200 }, (_, n) => `n${String(n).padStart(3, '0')}`);
  const holder = dataSource.createQueryRunner();
  await holder.startTransaction();
  await holder.query(`SELECT pg_advisory_xact_lock(4711)`);
  const ends = names.map((name) =>
    transactions.together(BY, name, async (db) => {
      if (name === 'n000') await db.query(`SELECT pg_advisory_xact_lock(4711)`);
      return mark(db, name);
    }),
  );
  // Those that came after the one that waits are not held up by it.
  await ends.at(-1);
  expect(await marks()).not.toContain('n000');
  await holder.commitTransaction();
  await holder.release();
  expect(new Set(await Promise.all(ends)).size).toBeLessThan(20);
  expect(await marks()).toEqual(names);
});

describe('a statement that was prepared', () => {
  const ask = () =>
    transactions.run(BY, (db) =>
      db.query<Record<string, unknown>[]>(`SELECT * FROM shape WHERE $1::int > 0`, [1]),
    );
  const asOwner = async (sql: string) => {
    const client = new Client(database.ownerUrl);
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const prepared = () =>
    transactions.run(BY, (db) =>
      db.query<{ n: number }[]>(
        `SELECT count(*)::int AS n FROM pg_prepared_statements WHERE statement LIKE '%FROM shape%' AND name <> ''`,
      ),
    );
  beforeAll(() => asOwner(`CREATE TABLE shape AS SELECT 1 AS a; GRANT SELECT ON shape TO countersign_app`));

  test('is asked again where its table got another shape', async () => {
    for (let times = 0; times < 5; times++) await ask();
    expect(await prepared()).toEqual([{ n: 1 }]);
    await asOwner(`ALTER TABLE shape ADD COLUMN b int DEFAULT 2`);
    expect(await ask()).toEqual([{ a: 1, b: 2 }]);
  });

  test('means the same to whoever else asks on the same connections', async () => {
    const others = new Transactions(dataSource);
    for (let times = 0; times < 5; times++) {
      await ask();
      const [row] = await others.run(BY, (db) =>
        db.query<{ twice: number }[]>(`SELECT $1::int * 2 AS twice`, [times]),
      );
      expect(row).toEqual({ twice: 2 * times });
    }
  });

  test('is asked unprepared where a connection does not keep what was prepared', async () => {
    for (let times = 0; times < 5; times++) await ask();
    await transactions.run(BY, (db) => db.query(`DEALLOCATE ALL`));
    for (let times = 0; times < 5; times++) expect(await ask()).toHaveLength(1);
    expect(await prepared()).toEqual([{ n: 0 }]);
  });
});
