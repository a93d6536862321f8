import { setTimeout as pause } from 'node:timers/promises';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../log/log.ts';
import { startLocalPostgres, type LocalPostgres } from '../embedded/local-postgres.ts';
import { OWNER } from '../embedded/roles.ts';
import type { DataSourceNeeds } from './data-sources.ts';
import { migrate, type Migrated } from './migrate.ts';
import { assertRunningRole } from './roles.ts';
import { waitForDatabase } from './wait-for-database.ts';

export interface OpenDatabase {
  /** The configuration with `databaseUrl` set. */
  config: Config;
  /** What the migrations changed; absent where this process may not migrate. */
  migrated?: Migrated;
  /** An embedded one that did not exist before. */
  isNew: boolean;
  /** Has the embedded server started again whenever it is found dead; nothing for a named one. */
  supervise(log: Log): void;
  /** Lets go of the embedded server; it stops unless another process of the same data folder uses it. */
  close(): Promise<void>;
}

/**
 * The database of a configuration, answering and fit: the server named, or the embedded one of the data folder, started
 * and migrated here. A named one is migrated only by `countersign migrate`.
 *
 * @param o.migrate for a named server: migrate it, too, as MIGRATE_DATABASE_URL
 * @throws Refused naming the variable and the mend
 */
export async function openDatabase(
  config: Config,
  o: { migrations: DataSourceNeeds['migrations']; migrate?: boolean },
): Promise<OpenDatabase> {
  if (config.databaseUrl) {
    await waitForDatabase(config.databaseUrl);
    if (config.production) await assertRunningRole(config.databaseUrl);
    return {
      config,
      ...(o.migrate ? { migrated: await migrateNamed(config, o.migrations) } : {}),
      isNew: false,
      supervise: () => {},
      close: async () => {},
    };
  }
  const local = await startLocalPostgres({ dir: config.dataFolder, durable: true });
  try {
    const migrated = await migrate({ ownerUrl: local.url(undefined, OWNER), migrations: o.migrations });
    return {
      config: { ...config, databaseUrl: local.url() },
      migrated,
      isNew: migrated.applied.length === Object.values(o.migrations).length,
      supervise: (log) =>
        local.supervise({
          onRestart: () =>
            log.error({ alert: 'database-restarted' }, 'the embedded database was found dead and runs again'),
          onFailure: (thrown) =>
            log.fatal(
              { err: thrown, alert: 'database-dead' },
              'the embedded database is dead and cannot be started',
            ),
        }),
      close: () => letGo(local),
    };
  } catch (thrown) {
    await letGo(local);
    throw thrown;
  }
}

/** Our own sessions end a moment after we close them, and would look like somebody else's. */
async function letGo(local: LocalPostgres): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    if (await local.stop({ unlessUsed: true })) return;
    await pause(100);
  }
}

async function migrateNamed(config: Config, migrations: DataSourceNeeds['migrations']): Promise<Migrated> {
  const ownerUrl = config.migrateDatabaseUrl;
  if (!ownerUrl) {
    const problem = 'nothing says how to reach the database as its owner';
    const mend = `Set MIGRATE_DATABASE_URL to the same database as ${OWNER}.`;
    throw new Refused(
      refusal('unavailable', 'migrate-url-missing', `The database cannot be migrated: ${problem}. ${mend}`, {
        fields: [{ field: 'MIGRATE_DATABASE_URL', problem, mend }],
      }),
    );
  }
  await waitForDatabase(ownerUrl, { variable: 'MIGRATE_DATABASE_URL' });
  return migrate({ ownerUrl, migrations });
}
