import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { cloneDatabase } from '../support/postgres-template.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const entry = join(root, 'dist/src/sandbox/demo/main.js');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-refused-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function demonstration(
  args: string[],
  more: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; err: string }> {
  const { DATABASE_URL: _, MIGRATE_DATABASE_URL: __, REDIS_URL: ___, ...env } = process.env;
  const child = spawn(process.execPath, [entry, '--exit', ...args], {
    env: { ...env, COUNTERSIGN_DATA: folder, NODE_ENV: 'development', NODE_OPTIONS: '', ...more },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
  return new Promise((done) => child.once('close', (code) => done({ code, err })));
}

/** What it may have left behind when it was refused: nothing that runs, and nothing that it would go on with. */
const left = () =>
  ['app.pid', 'world.pid', 'demo.pid', 'story.json', 'world'].filter((name) =>
    existsSync(join(folder, 'demo', name)),
  );

describe('the demonstration begins nothing and says why', () => {
  test('on a database that holds parties', async () => {
    const database = await cloneDatabase();
    try {
      const owner = new Client({ connectionString: database.ownerUrl });
      await owner.connect();
      try {
        await owner.query(`INSERT INTO party (id, reference, source, external_key, name, created_at, updated_at)
                           VALUES (gen_random_uuid(), 'PTY-9', 'somebody', 'acme', 'Acme', now(), now())`);
      } finally {
        await owner.end();
      }
      const end = await demonstration([], {
        DATABASE_URL: database.url,
        MIGRATE_DATABASE_URL: database.ownerUrl,
      });
      expect(end.code).toBe(2);
      expect(end.err).toMatch(/DATABASE_URL: that database holds 1 parties.*Unset DATABASE_URL/);
      expect(left()).toEqual([]);
    } finally {
      await database.drop();
    }
  });

  test('on a database that cannot be reached, and with a wrong password', async () => {
    const end = await demonstration([], {
      DATABASE_URL: 'postgres://countersign_app:x@127.0.0.1:1/countersign',
    });
    expect(end.code).toBe(2);
    expect(end.err).toMatch(/^demo: DATABASE_URL: /);
    expect(left()).toEqual([]);
  });

  test('on a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const end = await demonstration(['--port', String(port)]);
    server.close();
    expect(end.code).toBe(2);
    expect(end.err).toMatch(new RegExp(`--port: port ${port} of 127.0.0.1 is taken`));
    expect(left().filter((name) => name.endsWith('.pid'))).toEqual([]);
  });

  test('with options that it does not know', async () => {
    expect(await demonstration(['--loud'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('usage:'),
    });
    expect(left()).toEqual([]);
  });

  test('over what it did not write', async () => {
    await rm(folder, { recursive: true, force: true });
    await writeFile(folder, 'a file stands where the data folder should be');
    const end = await demonstration([]);
    expect(end.code).toBe(2);
    expect(end.err).toContain(`COUNTERSIGN_DATA: ${join(folder, 'demo')} cannot be written`);
    await rm(folder);
  });
});
