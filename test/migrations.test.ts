import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import * as listed from '../migrations/index.ts';
import { isolate } from '../migrations/isolation.ts';
import { dataSourceOptions, migrations } from '../src/data-source.ts';
import { system, type Principal } from '../src/kernel/principal.ts';
import { newId } from '../src/kernel/ids.ts';
import { assertMigrated, migrate } from '../src/platform/database/migrate.ts';
import { assertRunningRole, runningRoleFaults } from '../src/platform/database/roles.ts';
import { Transactions, type Db } from '../src/platform/database/transactions.ts';
import { waitForDatabase } from '../src/platform/database/wait-for-database.ts';
import { cloneDatabase, emptyDatabase, type TestDatabase } from './support/postgres-template.ts';

/** What pg_dump would show, as text that can be compared: columns, constraints, indexes, functions, policies, grants, triggers. */
const SCHEMA = `
  SELECT string_agg(line, E'\\n' ORDER BY line) AS schema FROM (
    SELECT format('column %s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                  pg_get_expr(d.adbin, d.adrelid)) AS line
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
    UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT format('function %s %s', pg_get_functiondef(oid), proacl) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT format('policy %s', p) FROM pg_policies p WHERE schemaname = 'public'
    UNION ALL SELECT format('relation %s %s %s %s', relname, relacl, relrowsecurity, relforcerowsecurity)
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
    UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'public'::regnamespace AND NOT tgisinternal
  ) AS lines`;

async function rowsOf<T extends object>(url: string, sql: string, parameters: unknown[] = []): Promise<T[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<T>(sql, parameters)).rows;
  } finally {
    await client.end();
  }
}

async function schemaOf(url: string): Promise<string> {
  return (await rowsOf<{ schema: string }>(url, SCHEMA))[0]!.schema;
}

test('every migration is listed, in the order of the numbers in its file name and its class', async () => {
  const files = (await readdir(new URL('../migrations/', import.meta.url))).filter((name) =>
    /^\d{10}-/.test(name),
  );
  const named = Object.keys(listed).sort((a, b) => (a.slice(-13) < b.slice(-13) ? -1 : 1));
  expect(named.map((name) => name.slice(-13))).toEqual(files.sort().map((file) => `${file.slice(0, 10)}000`));
});

describe('the way up and down', () => {
  let db: TestDatabase;
  beforeAll(async () => void (db = await emptyDatabase()));
  afterAll(() => db.drop());

  test('up, down and up again leads to the same schema, and down leaves nothing behind', async () => {
    await migrate({ ownerUrl: db.ownerUrl, migrations });
    const up = await schemaOf(db.adminUrl);

    const dataSource = await new DataSource(
      dataSourceOptions(db.ownerUrl, { statementTimeout: 0 }),
    ).initialize();
    try {
      for (let n = dataSource.migrations.length; n > 0; n--)
        await dataSource.undoLastMigration({ transaction: 'each' });
    } finally {
      await dataSource.destroy();
    }
    const left = await rowsOf<{ what: string }>(
      db.adminUrl,
      `SELECT relname AS what FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'typeorm%' AND relkind <> 'i'
       UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
       UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')`,
    );
    expect(left.filter(({ what }) => !what.startsWith('typeorm'))).toEqual([]);

    const again = await migrate({ ownerUrl: db.ownerUrl, migrations });
    expect(again.applied).toHaveLength((migrations as unknown[]).length);
    expect(await schemaOf(db.adminUrl)).toBe(up);
  });

  test('two processes that migrate at once do it once', async () => {
    const fresh = await emptyDatabase();
    try {
      const both = await Promise.all([1, 2].map(() => migrate({ ownerUrl: fresh.ownerUrl, migrations })));
      expect(both.map((one) => one.applied.length).sort((a, b) => a - b)).toEqual([
        0,
        (migrations as unknown[]).length,
      ]);
    } finally {
      await fresh.drop();
    }
  });
});

describe('the migrated database', () => {
  let db: TestDatabase;
  let dataSource: DataSource;
  beforeAll(async () => {
    db = await cloneDatabase();
    dataSource = await new DataSource(dataSourceOptions(db.url)).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await db.drop();
  });

  test('has exactly the tables and columns of the entities', async () => {
    const owner = await new DataSource(dataSourceOptions(db.ownerUrl)).initialize();
    try {
      const { upQueries } = await owner.driver.createSchemaBuilder().log();
      expect(upQueries.map(({ query }) => query)).toEqual([]);
    } finally {
      await owner.destroy();
    }
  });

  test('isolates every table, for its owner too', async () => {
    const open = await rowsOf(
      db.adminUrl,
      `SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
              (SELECT count(*)::int FROM pg_policy p WHERE p.polrelid = c.oid
                AND p.polroles @> ARRAY['countersign_app'::regrole::oid]) AS policies
         FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relname NOT LIKE 'typeorm\\_%' AND c.relname NOT LIKE 'staging\\_%'
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polroles @> ARRAY['countersign_app'::regrole::oid]))`,
    );
    expect(open).toEqual([]);
  });

  test('has no view that reads with more rights than its reader', async () => {
    const views = await rowsOf(
      db.adminUrl,
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (relkind = 'm'
          OR relkind = 'v' AND NOT coalesce(reloptions @> '{security_invoker=true}' OR reloptions @> '{security_invoker=on}', false))`,
    );
    expect(views).toEqual([]);
  });

  test('pins the search path of every function that runs with its owner’s rights', async () => {
    const loose = await rowsOf(
      db.adminUrl,
      `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
          AND NOT coalesce(array_to_string(proconfig, ',') LIKE '%search_path=%', false)`,
    );
    expect(loose).toEqual([]);
  });

  test('gives nothing to everybody', async () => {
    const rows = await rowsOf(
      db.adminUrl,
      `SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace IN ('public'::regnamespace, 'bullmq'::regnamespace) AND a.grantee = 0`,
    );
    expect(rows).toEqual([]);
  });

  test('names in a policy only columns that are never empty', async () => {
    const loose = await rowsOf(
      db.adminUrl,
      `SELECT c.relname, a.attname FROM pg_policy p
         JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid AND d.refobjsubid > 0
         JOIN pg_class c ON c.oid = p.polrelid
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
        WHERE NOT a.attnotnull`,
    );
    expect(loose).toEqual([]);
  });

  test('guards what is append-only against every way of losing a row', async () => {
    const tables = await rowsOf<{ name: string; guarded: boolean; changes: boolean }>(
      db.adminUrl,
      `SELECT c.relname AS name,
              EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = 'cs_refuse_truncate'::regproc
                         AND (t.tgtype & 32) <> 0 AND t.tgenabled IN ('O', 'A')) AS guarded,
              has_table_privilege('countersign_app', c.oid, 'UPDATE, DELETE, TRUNCATE') AS changes
         FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND has_table_privilege('countersign_app', c.oid, 'INSERT')`,
    );
    expect(tables.filter((table) => table.guarded === table.changes)).toEqual([]);
    expect(tables.some((table) => table.guarded)).toBe(true);
  });

  test('lets nobody change or empty the ledger', async () => {
    const rights = await rowsOf<{ table: string; right: string }>(
      db.adminUrl,
      `SELECT c.relname AS table, r.name AS right FROM pg_class c, unnest('{UPDATE,DELETE,TRUNCATE}'::text[]) AS r(name)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname = 'ledger_entry'
          AND (has_table_privilege('countersign_app', c.oid, r.name)
               OR has_any_column_privilege('countersign_app', c.oid, 'UPDATE'))`,
    );
    expect(rights).toEqual([]);
    const unguarded = await rowsOf(
      db.adminUrl,
      `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname = 'ledger_entry'
          AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND (t.tgtype & 32) <> 0 AND t.tgenabled IN ('O', 'A'))`,
    );
    expect(unguarded).toEqual([]);
  });

  test('runs as a role that is no superuser, passes no policy and owns nothing', async () => {
    await expect(assertRunningRole(db.url)).resolves.toBeUndefined();
    expect(await runningRoleFaults(db.adminUrl)).toMatchObject([
      { field: 'DATABASE_URL', problem: expect.stringMatching(/is a superuser$/), mend: expect.anything() },
    ]);
    await expect(assertRunningRole(db.ownerUrl)).rejects.toMatchObject({
      refusal: { code: 'database-role-too-strong' },
    });
  });

  test('carries the queue, which the running role may use', async () => {
    const { length } = await rowsOf(db.url, `SELECT version FROM bullmq.migration`);
    expect(length).toBeGreaterThan(0);
    const barred = await rowsOf(
      db.url,
      `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'bullmq'::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE')`,
    );
    expect(barred).toEqual([]);
  });

  test('says that it is migrated, and a database that is not says so', async () => {
    await expect(assertMigrated(dataSource)).resolves.toBeUndefined();
    const empty = await emptyDatabase();
    const other = new DataSource(dataSourceOptions(empty.ownerUrl));
    await other.initialize();
    try {
      await expect(assertMigrated(other)).rejects.toMatchObject({ refusal: { code: 'database-behind' } });
    } finally {
      await other.destroy();
      await empty.drop();
    }
  });
});

const party = (partyId: string): Principal => ({ ...system('test', 'test'), kind: 'link', partyId });

describe('isolation', () => {
  const [ours, theirs] = [newId(), newId()];
  const [seen, unseen] = [newId(), newId()];
  let db: TestDatabase;
  let dataSource: DataSource;
  let transactions: Transactions;

  const engine = system('engine', 'test');
  const names = async (by: Principal, table: string) =>
    (
      await transactions.run<{ name: string }[]>(by, (t) =>
        t.query(`SELECT name FROM ${table} ORDER BY name`),
      )
    ).map((row) => row.name);

  beforeAll(async () => {
    db = await cloneDatabase();
    const owner = await new DataSource(dataSourceOptions(db.ownerUrl)).initialize();
    const q = owner.createQueryRunner();
    await q.query(`CREATE TABLE of_installation (name text)`);
    await isolate(q, 'of_installation', 'installation');
    await q.query(`CREATE TABLE of_integration (name text, integration_id uuid NOT NULL)`);
    await isolate(q, 'of_integration', 'integration');
    await q.query(`CREATE TABLE of_party (name text, holder uuid NOT NULL)`);
    await isolate(q, 'of_party', 'party', { column: 'holder' });
    await q.query(`CREATE TABLE of_record (name text)`);
    await isolate(q, 'of_record', 'installation', { appendOnly: true, partyMayInsert: true });
    await q.release();
    await owner.destroy();
    // Rows without their integrations: the constraints of that table are no part of this, only what is read from it.
    await rowsOf(
      db.adminUrl,
      `SET session_replication_role = replica;
       INSERT INTO integration_party (integration_id, party_id, party_name, role)
       VALUES ('${seen}', '${ours}', 'Ours', 'supplier'), ('${unseen}', '${theirs}', 'Theirs', 'supplier')`,
    );
    dataSource = await new DataSource(dataSourceOptions(db.url)).initialize();
    transactions = new Transactions(dataSource);
    await transactions.run(engine, async (t) => {
      await t.query(`INSERT INTO of_installation VALUES ('all')`);
      await t.query(`INSERT INTO of_integration VALUES ('seen', $1), ('unseen', $2)`, [seen, unseen]);
      await t.query(`INSERT INTO of_party VALUES ('ours', $1), ('theirs', $2)`, [ours, theirs]);
      await t.query(`INSERT INTO of_record VALUES ('first')`);
    });
  });
  afterAll(async () => {
    await dataSource.destroy();
    await db.drop();
  });

  test('the installation sees every row', async () => {
    expect(await names(engine, 'of_integration')).toEqual(['seen', 'unseen']);
    expect(await names(engine, 'of_party')).toEqual(['ours', 'theirs']);
    expect(await names(engine, 'of_installation')).toEqual(['all']);
  });

  test('a party sees the rows of its integrations and its own', async () => {
    expect(await names(party(ours), 'of_integration')).toEqual(['seen']);
    expect(await names(party(ours), 'of_party')).toEqual(['ours']);
    expect(await names(party(ours), 'of_installation')).toEqual([]);
    expect(await names(party(newId()), 'of_integration')).toEqual([]);
  });

  test.each([
    ['nothing set', []],
    ['empty settings', [`SET countersign.scope = ''`, `SET countersign.party = ''`]],
    ['a party without its scope', [`SET countersign.party = '${ours}'`]],
    ['a scope without its party', [`SET countersign.scope = 'party'`]],
    ['an unknown scope', [`SET countersign.scope = 'everything'`, `SET countersign.party = '${ours}'`]],
  ])('%s sees no row and raises no error', async (_, settings) => {
    const client = new Client(db.url);
    await client.connect();
    try {
      for (const setting of settings) await client.query(setting);
      for (const table of ['of_installation', 'of_integration', 'of_party', 'of_record']) {
        expect((await client.query(`SELECT name FROM ${table}`)).rows).toEqual([]);
      }
    } finally {
      await client.end();
    }
  });

  test('a party can neither write into nor move rows to others', async () => {
    const tries: ((t: Db) => Promise<unknown>)[] = [
      (t) => t.query(`INSERT INTO of_integration VALUES ('mine', $1)`, [unseen]),
      (t) => t.query(`UPDATE of_party SET holder = $1`, [theirs]),
      (t) => t.query(`INSERT INTO of_installation VALUES ('mine')`),
    ];
    for (const attempt of tries) {
      await expect(transactions.run(party(ours), attempt)).rejects.toMatchObject({ code: '42501' });
    }
    await transactions.run(party(ours), (t) => t.query(`DELETE FROM of_integration`));
    expect(await names(engine, 'of_integration')).toEqual(['unseen']);
    await transactions.run(engine, (t) => t.query(`INSERT INTO of_integration VALUES ('seen', $1)`, [seen]));
  });

  test('a party adds to a record that it cannot read; nobody changes it, its owner cannot empty it', async () => {
    await transactions.run(party(ours), (t) => t.query(`INSERT INTO of_record VALUES ('by party')`));
    expect(await names(party(ours), 'of_record')).toEqual([]);
    expect(await names(engine, 'of_record')).toEqual(['by party', 'first']);
    for (const sql of [`UPDATE of_record SET name = ''`, `DELETE FROM of_record`, `TRUNCATE of_record`]) {
      await expect(transactions.run(engine, (t) => t.query(sql))).rejects.toMatchObject({ code: '42501' });
    }
    await expect(rowsOf(db.ownerUrl, 'TRUNCATE of_record')).rejects.toMatchObject({ code: '42501' });
  });

  test('settings end with their transaction', async () => {
    const one = await new DataSource(dataSourceOptions(db.url, { max: 1 })).initialize();
    try {
      await new Transactions(one).run(engine, (t) => t.query(`SELECT 1`));
      expect(await one.query(`SELECT name FROM of_installation`)).toEqual([]);
    } finally {
      await one.destroy();
    }
  });
});

describe('a database that cannot be used', () => {
  let db: TestDatabase;
  beforeAll(async () => void (db = await cloneDatabase()));
  afterAll(() => db.drop());

  const changed = (change: (url: URL) => void) => {
    const url = new URL(db.url);
    change(url);
    return url.href;
  };

  test.each<[string, (url: URL) => void, string]>([
    ['a wrong password', (url) => (url.password = 'wrong-password'), 'database-password'],
    ['a database that is not there', (url) => (url.pathname = '/nowhere'), 'database-missing'],
    ['a port where nothing listens', (url) => (url.port = '1'), 'database-unreachable'],
    ['a host that nobody knows', (url) => (url.hostname = 'database.invalid'), 'database-host'],
  ])('%s is named, with the variable and the mend', async (_, change, code) => {
    const refused = await waitForDatabase(changed(change), { timeout: 300, variable: 'DATABASE_URL' }).catch(
      (thrown: unknown) => thrown,
    );
    expect(refused).toMatchObject({
      refusal: { kind: 'unavailable', code, fields: [{ field: 'DATABASE_URL' }] },
    });
    expect(String(refused)).toContain('DATABASE_URL');
    expect(String(refused)).not.toContain('wrong-password');
  });

  test('a server that is there is taken at once', async () => {
    await expect(waitForDatabase(db.url, { timeout: 0 })).resolves.toBeUndefined();
  });

  test('only the owner migrates', async () => {
    await expect(migrate({ ownerUrl: db.url, migrations })).rejects.toMatchObject({
      refusal: { code: 'database-not-owner', fields: [{ field: 'MIGRATE_DATABASE_URL' }] },
    });
  });
});
