import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApp, until, type TestApp } from '../support/app.ts';
import { LeakScene, REPORTS_KEY } from '../support/leak-scene.ts';

let world: TestApp;
let scene: LeakScene;

beforeAll(async () => {
  world = await startApp();
  scene = await LeakScene.set(world);
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
});
afterAll(() => world.close());

test('ten thousand leaks in one delivery: one incident, one run, every case', async () => {
  const integrations = await Promise.all(
    Array.from({ length: 20 }, (_, n) => scene.integration(`Many ${n}`)),
  );
  const all = (
    await Promise.all(integrations.map((id) => scene.credentials(id, 500, { authority: 'replace_first' })))
  ).flat();
  const answer = await scene.signed(
    all.map(({ value }, n) => ({ ref: `many-${n}`, value, kind: 'api_key' })),
  );
  expect(answer.status).toBe(202);
  // The run goes on for a while; what matters here is that everything came to one incident.
  const accepted = () =>
    scene.one<{ n: number }>(`SELECT count(*)::int AS n FROM exposure WHERE state = 'accepted'`);
  await until(async () => (await accepted()).n === 10_000, 'all accepted', 170_000);
  const rows = await scene.rows<{ incident_id: string; n: number }>(
    `SELECT incident_id, count(*)::int AS n FROM exposure WHERE external_ref LIKE 'many-%' GROUP BY 1`,
  );
  expect(rows).toMatchObject([{ n: 10_000 }]);
  const incidentId = rows[0]!.incident_id;
  expect(
    await scene.one(
      `SELECT (SELECT count(*)::int FROM incident_credential WHERE incident_id = $1) AS credentials,
              (SELECT count(*)::int FROM incident_case WHERE incident_id = $1) AS cases,
              (SELECT count(DISTINCT batch_id)::int FROM incident_credential WHERE incident_id = $1) AS batches,
              (SELECT count(*)::int FROM run WHERE subject_id = $1 AND runbook = 'emergency-revocation') AS runs`,
      [incidentId],
    ),
  ).toEqual({ credentials: 10_000, cases: 20, batches: 1, runs: 1 });
  const { body } = await scene.call('GET', `/api/v1/incidents/${incidentId}/credentials?limit=200`);
  expect(body.credentials).toHaveLength(200);
  expect(body.next).toEqual(expect.any(String));
}, 180_000);
