import { binariesFor } from './binaries.ts';
import { bootstrap, otherSessions } from './bootstrap.ts';
import { makeCluster, passwordsOf } from './cluster.ts';
import { exists, placeFor, pointTo, setAside } from './place.ts';
import { APP, type RoleName } from './roles.ts';
import { attachOrStart, stopServer } from './server.ts';
import { superviseServer, type Watch } from './supervisor.ts';

export interface LocalPostgresOptions {
  /** The data folder. Made where it is missing; may contain spaces. */
  dir: string;
  /** Listens here when this call starts the server; a running one keeps its own. Absent: any free port. */
  port?: number;
  /** false: faster and lost at a power cut, for tests. Data survives a killed server either way. */
  durable: boolean;
  /** Made if missing, owned by countersign_owner. Absent: `countersign`. */
  database?: string;
  /** Further server settings; they win over ours. */
  appendOptions?: Record<string, string>;
}

export interface LocalPostgres {
  /** A connection URL with the role's password in it. Not for a log. */
  url(database?: string, role?: RoleName): string;
  port: number;
  /** It ran already: another process, or an earlier one that was killed, had started it. */
  reused: boolean;
  dataDirectory: string;
  /** Starts the server again whenever it is found dead, until `stop()`. */
  supervise(watch?: Watch): void;
  /**
   * Stops the server and waits until it has let go of its files.
   * @param o.unlessUsed leave it running while anybody else is connected
   * @returns whether it was stopped
   */
  stop(o?: { unlessUsed?: boolean }): Promise<boolean>;
}

export const DEFAULT_DATABASE = 'countersign';

/**
 * A Postgres of our own, listening on 127.0.0.1 only, with password sign-in and the three roles. Reuses the running server
 * of the same data folder; recovers one that was killed.
 *
 * @throws Refused with the variable and the mend: folder not writable, not a folder or somebody else's; port taken; disk
 *         full; database of another major version
 */
export async function startLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const place = await placeFor(options.dir);
  const forgotten =
    place.home !== place.folder && (await exists(place.cluster)) && !(await exists(place.passwords));
  if (forgotten) {
    await stopServer(place);
    await setAside(place.cluster);
  }
  const passwords = await passwordsOf(place);
  const binaries = await binariesFor(place.account, place.folder);
  if (!(await exists(place.cluster))) await makeCluster(place, binaries, passwords, options.durable);
  await pointTo(place);
  const settings = { ...SETTINGS, ...(options.durable ? {} : FORGETFUL), ...options.appendOptions };
  const { port, reused } = await attachOrStart(place, binaries, passwords, {
    port: options.port || undefined,
    settings,
  });
  const database = options.database ?? DEFAULT_DATABASE;
  await bootstrap(port, passwords, database);
  const watches: (() => Promise<void>)[] = [];
  return {
    url: (name = database, role = APP) =>
      `postgres://${role}:${encodeURIComponent(passwords[role])}@127.0.0.1:${port}/${encodeURIComponent(name)}`,
    port,
    reused,
    dataDirectory: place.cluster,
    supervise: (watch = {}) => {
      const restart = () => attachOrStart(place, binaries, passwords, { port, settings });
      watches.push(superviseServer(port, restart, watch));
    },
    stop: async (o) => {
      if (o?.unlessUsed && (await otherSessions(port, passwords)) > 0) return false;
      await Promise.all(watches.splice(0).map((end) => end()));
      await stopServer(place);
      return true;
    },
  };
}

const SETTINGS: Record<string, string> = {
  max_connections: '120', // 16 a process, commands beside it, and room for a restart that overlaps
  // A transaction holds no network call; one that sits idle this long has lost its process.
  idle_in_transaction_session_timeout: '60s',
  tcp_keepalives_idle: '60',
  track_commit_timestamp: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  jit: 'off', // compiling costs more than our short statements
  log_line_prefix: '%m [%p] %q%u@%d ',
  // Details and parameters of a failed statement quote rows: names and addresses do not belong in a server's log.
  log_error_verbosity: 'terse',
  log_parameter_max_length_on_error: '0',
};

const FORGETFUL: Record<string, string> = {
  fsync: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
};
