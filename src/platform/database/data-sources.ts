import { DataSource, type DataSourceOptions } from 'typeorm';
import { MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import { heedDying } from './sessions.ts';

export interface DataSourceNeeds {
  entities: NonNullable<DataSourceOptions['entities']>;
  migrations: NonNullable<DataSourceOptions['migrations']>;
  /** Connections at most. A process keeps 16 in all, queue included. */
  max?: number;
  /** Shown in pg_stat_activity. */
  applicationName?: string;
  /** A statement that runs longer is cancelled. 0: never. */
  statementTimeout?: Millis;
  /** A statement that waits longer for a lock is cancelled. */
  lockTimeout?: Millis;
  /** Told of connections that die while nobody uses them; the pool replaces them by itself. */
  onError?: (thrown: Error) => void;
}

/** TypeORM's options for one of our databases. The schema changes by migrations alone. */
export function postgresOptions(url: string, needs: DataSourceNeeds): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: needs.entities,
    migrations: needs.migrations,
    migrationsTableName: 'typeorm_migrations',
    synchronize: false,
    // Nothing is installed behind an operator's back; our migrations ask for what they need.
    installExtensions: false,
    applicationName: needs.applicationName ?? 'countersign',
    // Without a listener an idle connection that dies would end the process.
    poolErrorHandler: needs.onError ?? (() => {}),
    extra: {
      max: needs.max ?? 8,
      connectionTimeoutMillis: 10 * SECOND,
      keepAlive: true,
      onConnect: heedDying,
      statement_timeout: needs.statementTimeout ?? MINUTE,
      lock_timeout: needs.lockTimeout ?? 10 * SECOND,
      // No network call happens inside a transaction, so one that idles has lost its process.
      idle_in_transaction_session_timeout: MINUTE,
    },
  };
}

/** A data source that is not connected yet: `initialize()` opens it, `destroy()` closes its pool. */
export function dataSourceFactory(url: string, needs: DataSourceNeeds): DataSource {
  return new DataSource(postgresOptions(url, needs));
}
