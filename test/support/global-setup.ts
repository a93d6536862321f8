import 'reflect-metadata';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrations } from '../../src/data-source.ts';
import { migrate } from '../../src/platform/database/migrate.ts';
import { startLocalPostgres } from '../../src/platform/embedded/local-postgres.ts';
import { alive } from '../../src/platform/embedded/processes.ts';
import { announceServer, TEMPLATE } from './postgres-template.ts';

const PREFIX = 'countersign-test-';

/** One server for the run, and on it a migrated template that each test file copies. */
export default async function setup(): Promise<void> {
  await removeLeftovers();
  const dir = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  await chmod(dir, 0o755); // the server's account passes through
  const local = await startLocalPostgres({
    dir,
    durable: false,
    database: TEMPLATE,
    appendOptions: { max_connections: '250', autovacuum_naptime: '5min' },
  });
  Object.assign(globalThis, {
    stopTestServer: async () => {
      await local.stop();
      await rm(dir, { recursive: true, force: true });
    },
  });
  await migrate({ ownerUrl: local.url(TEMPLATE, 'countersign_owner'), migrations });
  const client = new Client(local.url('postgres', 'countersign_admin'));
  await client.connect();
  await client.query(`ALTER DATABASE ${TEMPLATE} WITH ALLOW_CONNECTIONS false`); // a session on it would block copies
  await client.end();
  const named = (role: 'countersign_app' | 'countersign_owner' | 'countersign_admin') =>
    local.url('DATABASE', role).replace('DATABASE', '{database}');
  announceServer({
    app: named('countersign_app'),
    owner: named('countersign_owner'),
    admin: named('countersign_admin'),
  });
}

/** A killed run leaves its server behind; the folder's name says whose it was. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : NaN;
    if (!Number.isInteger(owner) || alive(owner)) continue;
    const dir = join(tmpdir(), name);
    const local = await startLocalPostgres({ dir, durable: false }).catch(() => null);
    await local?.stop();
    await rm(dir, { recursive: true, force: true });
  }
}
