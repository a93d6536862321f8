import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Set by global-setup, inherited by the workers. */
export interface TestServer {
  /** URLs with `{database}` in place of the name. */
  app: string;
  owner: string;
  admin: string;
  /** Migrated; copied for each test file. */
  template: string;
}

const VARIABLE = 'COUNTERSIGN_TEST_SERVER';

export function announceServer(server: TestServer): void {
  process.env[VARIABLE] = JSON.stringify(server);
}

function testServer(): TestServer {
  const text = process.env[VARIABLE];
  if (!text)
    throw new Error('no test database server: run this file in a Jest project that has the global set-up');
  return JSON.parse(text) as TestServer;
}

export interface TestDatabase {
  /** As countersign_app: what the application gets. */
  url: string;
  ownerUrl: string;
  /** As a superuser: for looking at what no role of ours may see, never for running the application. */
  adminUrl: string;
  /** Ends every session on it. */
  drop(): Promise<void>;
}

/** A database of this test's own, copied from the migrated template. About 30 ms. */
export async function cloneDatabase(): Promise<TestDatabase> {
  return createDatabase(`TEMPLATE ${testServer().template} STRATEGY FILE_COPY`);
}

/** A database without a single migration. */
export async function emptyDatabase(): Promise<TestDatabase> {
  return createDatabase('TEMPLATE template0');
}

async function createDatabase(how: string): Promise<TestDatabase> {
  const name = `t_${randomBytes(8).toString('hex')}`;
  const server = testServer();
  const at = (url: string) => url.replace('{database}', name);
  await asAdmin(`CREATE DATABASE ${name} OWNER countersign_owner ${how}`);
  return {
    url: at(server.app),
    ownerUrl: at(server.owner),
    adminUrl: at(server.admin),
    drop: () => asAdmin(`DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function asAdmin(statement: string): Promise<void> {
  const client = new Client(testServer().admin.replace('{database}', 'postgres'));
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
