import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTransport } from 'nodemailer';
import { request } from 'undici';
import { attachWorld, spawnWorld } from './client.ts';
import type { SpawnedWorld, WorldClient } from './client.ts';

const root = new URL('../../', import.meta.url).pathname;

let dir: string;
let world: SpawnedWorld;

const newest = async (folder: string): Promise<number> => {
  const names = await readdir(join(root, folder), { recursive: true });
  const times = names.filter((n) => /(?<!\.spec)\.[jt]s$/.test(n)).map((n) => stat(join(root, folder, n)));
  return Math.max(0, ...(await Promise.all(times)).map((s) => s.mtimeMs));
};

beforeAll(async () => {
  // The spawned world runs compiled code; make sure that it is this code.
  const built = await newest('dist/src/sandbox').catch(() => 0);
  if (built < (await newest('src/sandbox'))) {
    await promisify(execFile)(
      process.execPath,
      ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
      { cwd: root },
    );
  }
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'a world with spaces '));
  world = await spawnWorld({ dir });
});
afterEach(async () => {
  const running = await attachWorld(dir);
  if (running) process.kill(running.descriptor.pid, 'SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error('it never came about');
    await delay(10);
  }
}

async function killedAndBack(): Promise<WorldClient> {
  process.kill(world.pid, 'SIGKILL');
  expect(await world.ended).toBe('SIGKILL');
  expect(await attachWorld(dir)).toBeNull();
  const before = world.client.descriptor;
  world = await spawnWorld({ dir });
  expect(world.attached).toBe(false);
  expect(world.client.descriptor).toMatchObject({
    worldId: before.worldId,
    ports: before.ports,
    controlToken: before.controlToken,
  });
  return world.client;
}

test('killed between an effect and its answer, it comes back with the effect, the request, and no answer given', async () => {
  const before = world.client;
  const [key, other] = await before.issue({ supplier: 'northwind', count: 2 });
  const [token] = await before.issue({ supplier: 'meridian', account: 'shop', sessions: 1 });
  if (!key || !other || !token) throw new Error('nothing was issued');
  const northwind = await before.access('northwind');
  const meridian = await before.access('meridian');
  const basic = Buffer.from(`${meridian['client_id']}:${meridian['client_secret']}`).toString('base64');
  await before.putFault({ target: 'northwind', kind: 'hold_answer' });
  await before.putFault({ target: 'meridian', kind: 'hold_answer' });

  const revocations = [
    request(`${before.origin('northwind')}/v1/keys/${key.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${northwind['admin_key']}` },
    }),
    request(`${before.origin('meridian')}/token/revocation`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token: token.value }).toString(),
    }),
  ].map((asked) => asked.then(() => 'answered').catch(() => 'cut off'));
  for (const credential of [key, token]) {
    await until(async () => {
      const { credentials } = await before.truthOf(credential.supplier);
      return credentials.find((c) => c.id === credential.id)?.state === 'revoked';
    });
  }

  const after = await killedAndBack();
  expect(await Promise.all(revocations)).toEqual(['cut off', 'cut off']);
  for (const credential of [key, token]) {
    const truth = await after.truthOf(credential.supplier);
    expect(truth.credentials.find((c) => c.id === credential.id)).toMatchObject({
      state: 'revoked',
      revocations: 1,
    });
    const asked = truth.requests.filter((r) => r.credential === credential.id && r.kind === 'revoke');
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ answered: false });
  }
  const ping = async (value: string) => {
    const answer = await request(`${after.origin('northwind')}/v1/ping`, {
      headers: { authorization: `Bearer ${value}` },
    });
    await answer.body.dump();
    return answer.statusCode;
  };
  expect([await ping(key.value), await ping(other.value)]).toEqual([401, 200]);
  // Sessions outlive their token and the crash; the fault is still in force, too.
  expect((await after.truthOf('meridian')).credentials[0]?.sessions).toBe(1);
  expect((await after.faults()).map((fault) => fault.kind)).toEqual(['hold_answer', 'hold_answer']);
  // The log goes on counting where it was.
  const { requests } = await after.truthOf('northwind');
  expect(requests.map((r) => r.seq)).toEqual(requests.map((_, i) => i + 1));
});

test('killed after a message was taken, it still has it; a torn last line costs nothing', async () => {
  const transport = createTransport(world.client.smtpUrl);
  await transport.sendMail({
    from: 'a@b.example',
    to: 'ada@c.example',
    subject: 'one',
    text: 'x',
    messageId: '<1@b.example>',
  });
  await world.client.putPeople([{ name: 'Ada', email: 'ada@c.example' }]);
  await until(async () => (await world.client.people()).deeds.length > 0);
  process.kill(world.pid, 'SIGKILL');
  await world.ended;
  await appendFile(join(dir, 'state', 'mail.jsonl'), '{"t":"mail","mail":{"id":"torn');
  world = await spawnWorld({ dir });
  expect(await world.client.mailbox('ada@c.example')).toMatchObject([
    { subject: 'one', messageId: '<1@b.example>' },
  ]);
  // What somebody has done is done.
  const { people, deeds } = await world.client.people();
  expect([people.length, deeds.length]).toEqual([1, 1]);
});

test('is attached to, not started twice, and stops when told', async () => {
  const again = await spawnWorld({ dir });
  expect(again).toMatchObject({ attached: true, pid: world.pid });
  await again.client.stop();
  expect(await world.ended).toBe(0);
  expect(await attachWorld(dir)).toBeNull();
});

test('says why it cannot start', async () => {
  const elsewhere = join(dir, 'other');
  const entry = join(root, 'dist/src/sandbox/absent.js');
  await expect(spawnWorld({ dir: elsewhere, entry })).rejects.toThrow(/did not start.*Cannot find module/s);
});
