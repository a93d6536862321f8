import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import type { Passwords } from './cluster.ts';
import { connection } from './server.ts';
import { APP, OWNER } from './roles.ts';

/** Any number of ours; serialises bootstraps of one server against each other. */
const BOOTSTRAP_LOCK = 4_100_001;

/** Makes the roles and the database where they are missing. Repeating it changes nothing. */
export async function bootstrap(port: number, passwords: Passwords, database: string): Promise<void> {
  const client = new Client(connection(port, passwords));
  client.on('error', () => {}); // the query under way says it
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [BOOTSTRAP_LOCK]);
    // A statement that fails is written to the server's log as it stands; these hold passwords.
    await client.query('SET log_min_error_statement = panic');
    for (const role of [OWNER, APP] as const) {
      const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
      if (rowCount) continue;
      await client.query(
        `CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION
           PASSWORD ${escapeLiteral(passwords[role])}`,
      );
    }
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (!rowCount) await client.query(`CREATE DATABASE ${escapeIdentifier(database)} OWNER ${OWNER}`);
    await client.query(
      `REVOKE ALL ON DATABASE ${escapeIdentifier(database)} FROM PUBLIC;
       GRANT CONNECT ON DATABASE ${escapeIdentifier(database)} TO ${APP}`,
    );
  } finally {
    await client.end();
  }
}

/** How many sessions other than our own the server serves. */
export async function otherSessions(port: number, passwords: Passwords): Promise<number> {
  const client = new Client(connection(port, passwords));
  client.on('error', () => {}); // the query under way says it
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}
