import { runMigrations } from 'bullmq';
import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { Refused, refusal } from '../../kernel/errors.ts';
import { APP, OWNER } from '../embedded/roles.ts';
import { dataSourceFactory, type DataSourceNeeds } from './data-sources.ts';
import { assertOwnerRole } from './roles.ts';
import { withClient } from './client.ts';

/** Any number of ours: one migration at a time per database. */
const MIGRATION_LOCK = 4_100_002;

export const QUEUE_SCHEMA = 'bullmq';

export interface Migrated {
  /** Names of the migrations that this call ran, in order. Empty: the schema was up to date. */
  applied: string[];
  /** Version of the queue's schema. */
  queueVersion: number;
}

/**
 * Brings the database to this release: our migrations (each in a transaction of its own), then the queue's schema with the
 * grants for the role that runs. Processes that start together wait for one another; a second run changes nothing.
 *
 * @param o.ownerUrl the database as countersign_owner
 * @throws Refused when the roles are missing or wrong, with the SQL that mends it
 */
export async function migrate(o: {
  ownerUrl: string;
  migrations: DataSourceNeeds['migrations'];
}): Promise<Migrated> {
  return withClient(o.ownerUrl, async (client) => {
    await assertOwnerRole(client);
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]); // ends with the session
    const dataSource = dataSourceFactory(o.ownerUrl, {
      entities: [],
      migrations: o.migrations,
      max: 2,
      applicationName: 'countersign migrate',
      statementTimeout: 0, // an index on a large table takes as long as it takes
    });
    await dataSource.initialize();
    try {
      const ran = await dataSource.runMigrations({ transaction: 'each' });
      await client.query(`GRANT SELECT ON typeorm_migrations TO ${APP}`);
      const queueVersion = await migrateQueue(client);
      return { applied: ran.map((migration) => migration.name), queueVersion };
    } finally {
      await dataSource.destroy();
    }
  });
}

async function migrateQueue(client: Client): Promise<number> {
  const version = await runMigrations(client, QUEUE_SCHEMA);
  // BullMQ creates its objects as whoever runs its migrations, and knows nothing of a second role.
  await client.query(`
    GRANT USAGE ON SCHEMA ${QUEUE_SCHEMA} TO ${APP};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${QUEUE_SCHEMA} TO ${APP};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${QUEUE_SCHEMA} TO ${APP};
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${QUEUE_SCHEMA} TO ${APP};
    ALTER DEFAULT PRIVILEGES FOR ROLE ${OWNER} IN SCHEMA ${QUEUE_SCHEMA}
      GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${APP};
    ALTER DEFAULT PRIVILEGES FOR ROLE ${OWNER} IN SCHEMA ${QUEUE_SCHEMA} GRANT USAGE ON SEQUENCES TO ${APP};
    ALTER DEFAULT PRIVILEGES FOR ROLE ${OWNER} IN SCHEMA ${QUEUE_SCHEMA} GRANT EXECUTE ON FUNCTIONS TO ${APP}`);
  return version;
}

/**
 * That a process which may not migrate does not start on a schema that lacks what it needs. A newer schema passes: the
 * rest of a fleet is being replaced.
 *
 * @param dataSource open, with this release's migrations in its options
 * @throws Refused naming the first migration that is missing
 */
export async function assertMigrated(dataSource: DataSource): Promise<void> {
  const [table] = await dataSource.query<{ there: boolean }[]>(
    `SELECT to_regclass('public.typeorm_migrations') IS NOT NULL AS there`,
  );
  const done = table?.there
    ? (await dataSource.query<{ name: string }[]>('SELECT name FROM typeorm_migrations')).map(
        (row) => row.name,
      )
    : [];
  const missing = dataSource.migrations.map((migration) => migration.name ?? migration.constructor.name);
  const first = missing.find((name) => !done.includes(name));
  if (first === undefined) return;
  const problem = done.length === 0 ? 'the database is empty' : `the database lacks the migration ${first}`;
  const mend =
    'Run `countersign migrate` with MIGRATE_DATABASE_URL set to the same database as countersign_owner.';
  throw new Refused(
    refusal('unavailable', 'database-behind', `This release cannot run yet: ${problem}. ${mend}`, {
      fields: [{ field: 'DATABASE_URL', problem, mend }],
    }),
  );
}
