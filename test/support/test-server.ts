import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type ClientBase } from 'pg';
import { migrations } from '../../src/data-source.ts';
import { migrate } from '../../src/platform/database/migrate.ts';
import { startLocalPostgres } from '../../src/platform/embedded/local-postgres.ts';
import { alive } from '../../src/platform/embedded/processes.ts';
import { ADMIN, APP, OWNER } from '../../src/platform/embedded/roles.ts';
import { announceServer, type TestServer } from './postgres-template.ts';

const PREFIX = 'countersign-test-';

/**
 * One server for the run, and on it a migrated template that each test file copies. With COUNTERSIGN_TEST_POSTGRES (a
 * superuser's URL) it is that server, for runs on other versions; its two roles get new passwords.
 */
export default async function setup(): Promise<void> {
  const given = process.env['COUNTERSIGN_TEST_POSTGRES'];
  const { server, stop } = given ? await serverAt(given) : await ownServer();
  Object.assign(globalThis, { stopTestServer: stop });
  await migrate({ ownerUrl: server.owner.replace('{database}', server.template), migrations });
  // A session on the template would keep it from being copied.
  await onServer(server.admin, (client) =>
    client.query(`ALTER DATABASE ${server.template} WITH ALLOW_CONNECTIONS false`),
  );
  announceServer(server);
}

interface Server {
  server: TestServer;
  stop(): Promise<void>;
}

async function ownServer(): Promise<Server> {
  await removeLeftovers();
  const dir = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  await chmod(dir, 0o755); // the server's account passes through
  const template = 'countersign_template';
  const local = await startLocalPostgres({
    dir,
    durable: false,
    database: template,
    appendOptions: { max_connections: '250' },
  });
  const at = (role: typeof ADMIN | typeof APP | typeof OWNER) =>
    local.url('DATABASE', role).replace('DATABASE', '{database}');
  return {
    server: { app: at(APP), owner: at(OWNER), admin: at(ADMIN), template },
    stop: async () => {
      await local.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function serverAt(given: string): Promise<Server> {
  const at = (user?: string, password?: string) => {
    const url = new URL(given);
    url.pathname = '/DATABASE';
    if (user) url.username = user;
    if (password) url.password = password;
    return url.href.replace('/DATABASE', '/{database}');
  };
  const template = `countersign_template_${process.pid}`;
  const passwords = { [OWNER]: randomBytes(16).toString('hex'), [APP]: randomBytes(16).toString('hex') };
  await onServer(at(), async (client) => {
    for (const role of [OWNER, APP] as const) {
      const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
      await client.query(`${rowCount ? 'ALTER' : 'CREATE'} ROLE ${role} LOGIN PASSWORD '${passwords[role]}'`);
    }
    await client.query(`CREATE DATABASE ${template} OWNER ${OWNER} TEMPLATE template0`);
  });
  return {
    server: { app: at(APP, passwords[APP]), owner: at(OWNER, passwords[OWNER]), admin: at(), template },
    stop: () => onServer(at(), (client) => client.query(`DROP DATABASE ${template} WITH (FORCE)`)),
  };
}

async function onServer(admin: string, work: (client: ClientBase) => Promise<unknown>): Promise<void> {
  const client = new Client(admin.replace('{database}', 'postgres'));
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
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
