import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { PublicUrl } from '../../src/platform/config/public-url.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { ReleaseScene, type Machine } from '../support/release-scene.ts';

/** The README's commands for a workload, as they stand there, in a shell of its own. */

const run = promisify(execFile);
let world: TestApp;
let folder: string;
let server: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cs-workload-'));
  world = await startApp({ config: { queue: 'off' }, settings: { clock: new SystemClock() } });
  await world.app.listen(0, '127.0.0.1');
  server = await world.app.getUrl();
  world.app.get(PublicUrl).listensOn(server);
}, 60_000);
afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

test('a key is made, a value is checked out with it, and returned', async () => {
  const readme = await readFile('README.md', 'utf8');
  const [, block = ''] = /A \*\*workload\*\*[^]*?```sh\n([^]*?)```/.exec(readme) ?? [];
  const [making, rest] = block.split(/^(?=assertion\(\))/m) as [string, string];
  const [using, returning] = rest.split(/^(?=curl -X DELETE)/m) as [string, string];
  const shell = async (script: string) =>
    (await run('bash', ['-ec', script], { cwd: folder, env: { PATH: process.env['PATH'] } })).stdout.trim();

  const scene = await ReleaseScene.set(world);
  const at = await scene.integration({ value: 'a-value-for-the-shell' });
  const jwk = JSON.parse((await shell(making)).split('\n').at(-1)!) as Record<string, string>;
  const made = await scene.engineer.call('POST', '/api/v1/machine-identities', {
    body: {
      integrationId: at.integration,
      partyId: at.aurora,
      name: 'shell',
      environment: 'production',
      publicKey: jwk,
    },
  });
  const machineId = made.body.id as string;
  await scene.decide(`machine-identities/${machineId}`);
  await scene.grant({ id: machineId } as Machine, at);
  const filled = (text: string, id: string) =>
    text
      .replace(/SERVER=\S+/, `SERVER=${server}`)
      .replace('<id of the identity>', machineId)
      .replaceAll('<id>', id);
  const released = JSON.parse(await shell(`${filled(using, at.credential)}`)) as {
    id: string;
    value: string;
  };
  expect(released.value).toBe('a-value-for-the-shell');
  const setting = using.slice(0, using.indexOf('curl '));
  await shell(filled(`${setting}${returning}`, released.id));
  expect(await scene.query(`SELECT state FROM checkout WHERE id = $1`, [released.id])).toEqual([
    { state: 'returned' },
  ]);
});
