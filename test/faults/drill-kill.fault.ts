import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DrillView } from '../../src/domain/revocation/drill.schema.ts';
import { newId } from '../../src/kernel/ids.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { caller } from '../support/portfolio.ts';
import { RevocationScene } from '../support/revocation-scene.ts';
import { datadog, ScriptedSupplier } from '../support/scripted-supplier.ts';

/** The worker that holds the step of a drill is killed while the supplier does what it was asked. Nobody asks twice. */

const root = new URL('../../', import.meta.url).pathname;
const supplier = new ScriptedSupplier(datadog);
let world: TestApp;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  // The workers run compiled code; make sure that it is this code.
  await promisify(execFile)(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
    { cwd: root },
  );
  await supplier.start();
  // This process starts drills and looks; the workers do the work.
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off', role: 'web' } });
}, 180_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await world?.close();
  await supplier.stop();
});

async function worker(): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [
      join(root, 'test/support/rotation-worker.mjs'),
      world.database.url,
      world.config.dataFolder,
      supplier.hostPort,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  children.add(child);
  child.once('exit', () => children.delete(child));
  // It does not die by its own hand.
  child.stdin!.write('- - -\n');
  await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
  return child;
}

test('killed in mid-cut-over: a peer takes over, looks before it acts, and proves the death', async () => {
  world.clock.advance(Date.now() - world.clock.now());
  const scene = new RevocationScene(world.app);
  const partyId = await scene.party();
  const connectionId = await scene.connection(partyId, 'datadog', supplier, {
    canary: supplier.issue('control'),
  });
  const version = await scene.version(partyId, null, supplier.issue('real'));
  const pathId = newId();
  await scene.query(
    `INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, connection_id, party_id) VALUES ($1, $2, $3, 1, 'connector', $4, $5)`,
    [pathId, version.credentialId, version.integrationId, connectionId, partyId],
  );
  const issued = supplier.issue('canary');
  const admin = caller(world, await world.token('admin'));
  await admin('POST', `/api/v1/connections/${connectionId}/canaries`, {
    body: { label: 'canary', supplierId: issued.id, value: issued.value },
  });

  const first = await worker();
  let killed = 0;
  supplier.onRequest = async ({ kind }) => {
    if (kind !== 'revoke' || killed > 0) return;
    killed = Date.now();
    first.kill('SIGKILL');
    await once(first, 'exit');
  };
  const { status, body } = await admin('POST', `/api/v1/revocation-paths/${pathId}/drills`, { body: {} });
  expect(status).toBe(202);
  await until(
    async () => killed > 0 && !issued.live,
    'the worker to die and the supplier to be done',
    60_000,
  );
  expect(
    await scene.query(`SELECT revoke_sent_at IS NOT NULL AS sent FROM drill WHERE id = $1`, [body.drillId]),
  ).toEqual([{ sent: true }]);

  await worker();
  let over: DrillView | undefined;
  await until(
    async () => {
      over = (await admin('GET', `/api/v1/drills/${body.drillId}`)).body as DrillView;
      return over.endedAt !== null;
    },
    'the peer to end the drill',
    90_000,
  );
  expect(over).toMatchObject({ outcome: 'passed', counts: true });
  expect(over!.evidence.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
    'probe live',
    'probe dead',
    'control live',
    'probe dead',
  ]);
  expect(supplier.revokesOf('canary')).toBe(1);
  expect(supplier.issued.find(({ name }) => name === 'real')!.live).toBe(true);
}, 240_000);
