import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

// The command as an operator types it: built, on an embedded database of its own. `npm test` builds it first.

const cli = join(import.meta.dirname, '..', '..', 'dist/src/cli.js');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign new database '));
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { PATH: process.env['PATH'] ?? '', COUNTERSIGN_DATA: folder },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

test('a command that found no database and made one says so, where, and how to name another; and never again', async () => {
  const first = await run('token', 'create', '--role', 'admin');
  expect(first).toEqual({
    code: 0,
    out: expect.stringMatching(/^cs_[\w-]{43}\n$/),
    err: `countersign: ${folder} held no database, so that a new one was made there. COUNTERSIGN_DATA names the folder of another, DATABASE_URL a server.\n`,
  });
  expect(await run('token', 'create', '--role', 'admin')).toMatchObject({ code: 0, err: '' });
}, 240_000);
