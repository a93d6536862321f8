import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ConnectionsService, laneOf } from '../../src/domain/revocation/connections.service.ts';
import { Runbooks } from '../../src/domain/runbooks/runbooks.service.ts';
import { RunsService } from '../../src/domain/runbooks/runs.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { BY, RevocationScene } from '../support/revocation-scene.ts';
import { ScriptedSupplier, sendgrid } from '../support/scripted-supplier.ts';

/** What a supplier allows us is kept, whatever a run would like, and used. */

const RUNBOOK = `
id: stop-many
title: Stop many credentials
version: 1
steps:
  - { id: revoke, title: Revoke, uses: revoke-version, forEach: exposed-versions, with: { versionId: $item.versionId } }
  - { id: verify, title: Prove, uses: verify-dead, forEach: exposed-versions, needs: [revoke], with: { versionId: $item.versionId } }
`;
const PER_SECOND = 10;
const VERSIONS = 40;

const supplier = new ScriptedSupplier(sendgrid);
let world: TestApp;
let scene: RevocationScene;
let partyId: Id;

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off' } });
  scene = new RevocationScene(world.app);
  const runbooks = world.app.get(Runbooks);
  const read = runbooks.read(RUNBOOK, 'stop-many.yaml');
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  await runbooks.add([{ ...read, file: 'stop-many.yaml' }]);
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

async function connection(limits: { maxConcurrent?: number; perSecond?: number | null }): Promise<Id> {
  const canary = supplier.issue('canary');
  const put = await scene.transactions.run(BY, (db) =>
    world.app.get(ConnectionsService).put(
      db,
      {
        source: 'test',
        externalKey: newId(),
        partyId,
        name: 'limited',
        presetKey: 'sendgrid',
        baseUrl: supplier.baseUrl,
        environment: 'production',
        auth: { api_key: Secret.of('admin-key-0123456789') },
        control: { value: Secret.of(canary.value), supplierId: canary.id },
        ...limits,
      },
      BY,
    ),
  );
  return expectOk(put).id;
}

const lane = async (id: Id) =>
  (
    await scene.query<{ concurrency: number | null; per_second: number | null }>(
      `SELECT concurrency, per_second FROM lane WHERE key = $1`,
      [laneOf(id)],
    )
  )[0];

test('limits reach the lane when a connection is made, and at the next start where they did not', async () => {
  const id = await connection({ maxConcurrent: 7, perSecond: 2.5 });
  expect(await lane(id)).toEqual({ concurrency: 7, per_second: 2.5 });
  await scene.query(`DELETE FROM lane WHERE key = $1`, [laneOf(id)]);
  const again = await startApp({
    database: world.database,
    config: { queue: 'off' },
    settings: { duties: { serves: false, works: true } },
  });
  try {
    expect(await lane(id)).toEqual({ concurrency: 7, per_second: 2.5 });
  } finally {
    await again.close();
  }
});

test('no second holds more requests than the supplier allows, and nine tenths of them are used', async () => {
  const id = await connection({ maxConcurrent: 60, perSecond: PER_SECOND });
  const [incidentId, batchId] = [newId(), newId()];
  const now = world.clock.date();
  await scene.query(
    `INSERT INTO incident (id, reference, title, state, awareness_at, opened_at, correlation_id, updated_at) VALUES ($1, $2, 'Leak', 'containing', $3, $3, 'c', $3)`,
    [incidentId, `INC-${incidentId}`, now],
  );
  for (let nth = 0; nth < VERSIONS; nth++) {
    const one = await scene.version(partyId, id, supplier.issue(`leaked-${nth}`));
    await scene.query(
      `INSERT INTO incident_credential (incident_id, version_id, credential_id, integration_id, batch_id, match, source_trust, authority, may_act, why, joined_at)
       VALUES ($1, $2, $3, $4, $5, 'value', 'act', 'revoke_now', 'act', 'agreed', $6)`,
      [incidentId, one.versionId, one.credentialId, one.integrationId, batchId, now],
    );
  }
  const { runId } = await scene.transactions.run(BY, (db) =>
    world.app.get(RunsService).start(db, {
      runbook: 'stop-many',
      subject: { kind: 'incident', id: incidentId },
      input: {},
      correlationId: newId(),
      by: BY,
    }),
  );
  const open = async () =>
    (
      await scene.query<{ open: number }>(
        `SELECT count(*)::int AS open FROM step WHERE run_id = $1 AND state <> 'done'`,
        [runId],
      )
    )[0]!.open;
  const planned = async () =>
    (await scene.query<{ id: Id }>(`SELECT id FROM step WHERE run_id = $1`, [runId])).length;
  let left = 0;
  await until(
    async () => (await planned()) >= 2 * VERSIONS && (left = await open()) === 0,
    () => `still ${left} open`,
    60_000,
    50,
  );

  const at = supplier.asked.map((asked) => asked.at).sort((x, y) => x - y);
  const inSecondFrom = (start: number) => at.filter((one) => one >= start && one < start + 1000).length;
  expect(Math.max(...at.map(inSecondFrom))).toBeLessThanOrEqual(PER_SECOND);
  // Between the first second, in which the run is planned, and the last, in which there is not enough left to do.
  const [from, to] = [at[0]! + 1000, at.at(-1)! - 1000];
  const reached = at.filter((one) => one >= from && one < to).length / ((to - from) / 1000);
  expect(at.length).toBeGreaterThanOrEqual(3 * VERSIONS);
  expect(reached).toBeGreaterThanOrEqual(0.9 * PER_SECOND);
  expect(supplier.issued.filter((issued) => issued.live).every(({ name }) => name === 'canary')).toBe(true);
});
