import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CloseAtSourceJob } from '../../src/domain/exposures/close-at-source.job.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { GITHUB_KEY, LeakScene } from '../support/leak-scene.ts';
import { RevocationScene } from '../support/revocation-scene.ts';
import { oauth, ScriptedSupplier } from '../support/scripted-supplier.ts';
import { SignalPeer } from '../support/signal-peer.ts';

const TOKEN = 'ghp_the_token_that_may_resolve_alerts';
const by = system('test', 'test-closed-loop');

const supplier = new ScriptedSupplier(oauth);
let world: TestApp;
let scene: LeakScene;
let github: SignalPeer;
let connectionId: Id;

beforeAll(async () => {
  await supplier.start();
  github = await SignalPeer.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort, github.host] } });
  scene = await LeakScene.set(world);
  await scene.source({
    key: 'github',
    kind: 'github',
    keys: [GITHUB_KEY],
    apiBaseUrl: github.url,
    apiToken: TOKEN,
  });
  connectionId = await new RevocationScene(world.app).connection(
    scene.supplierId,
    'oauth-generic',
    supplier,
    {
      canary: supplier.issue('canary'),
    },
  );
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
  await github.close();
});

const resolved = (status = 200) =>
  github.answerWith((request, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(
        status === 200
          ? JSON.stringify({ number: 1, ...(JSON.parse(request.body) as object) })
          : JSON.stringify({ message: `no, says ${TOKEN}` }),
      ),
  );

/** Leaks a credential at GitHub; the machine revokes and proves it. @returns the exposure */
async function leaked(repo: string, name: string): Promise<{ exposureId: Id; value: string }> {
  const { value } = supplier.issue(name);
  const credential = await scene.credential(await scene.integration(name), {
    authority: 'revoke_now',
    value,
    connectionId,
  });
  await scene.alert({ number: 1, secret: value }, { repo });
  await until(
    async () =>
      (
        await scene.rows(`SELECT FROM version_death WHERE version_id = $1 AND liveness = 'dead'`, [
          credential.versionId,
        ])
      ).length === 1,
    'proven dead',
  );
  return { exposureId: (await scene.exposureOf(`${repo}#1`)).id, value };
}

test('a GitHub alert is resolved as revoked once its credential is proven dead, and told once', async () => {
  resolved();
  const repo = `octo/leak-${newId()}`;
  const { exposureId, value } = await leaked(repo, 'closed');
  await until(async () => (await scene.exposureOf(`${repo}#1`)).resolution === 'revoked', 'told GitHub');
  const patches = github.received.filter((one) => one.body !== '');
  expect(patches).toHaveLength(1);
  expect(patches[0]).toMatchObject({
    path: `/repos/${repo}/secret-scanning/alerts/1`,
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const body = JSON.parse(patches[0]!.body) as Record<string, string>;
  expect(body).toMatchObject({ state: 'resolved', resolution: 'revoked' });
  expect(body['resolution_comment']).toMatch(/^Revoked\. Its verifier refuses it since \S+ \(EXP-/);
  expect(patches[0]!.body).not.toContain(value);
  // Told again by whatever: it is told already.
  const call = { by, attempt: 1, signal: AbortSignal.timeout(5000) };
  await world.app.get(CloseAtSourceJob).handle({ exposureId }, call);
  expect(github.received.filter((one) => one.body !== '')).toHaveLength(1);
});

test('a source that is busy is told later, and one that refuses is for a person to see', async () => {
  resolved(503);
  const repo = `octo/leak-${newId()}`;
  const { exposureId } = await leaked(repo, 'busy');
  const job = world.app.get(CloseAtSourceJob);
  const call = { by, attempt: 1, signal: AbortSignal.timeout(5000) };
  await expect(job.handle({ exposureId }, call)).rejects.toThrow(/503/);
  expect((await scene.exposureOf(`${repo}#1`)).resolution).toBeNull();
  expect(await scene.alerts('exposure.not-closed-at-source')).toEqual([]);

  resolved(403);
  await job.handle({ exposureId }, call);
  const alerts = await scene.alerts('exposure.not-closed-at-source');
  expect(alerts).toMatchObject([{ severity: 'warning', message: expect.stringContaining(`${repo}#1`) }]);
  expect(JSON.stringify(alerts)).not.toContain(TOKEN);

  resolved();
  await job.handle({ exposureId }, call);
  expect((await scene.exposureOf(`${repo}#1`)).resolution).toBe('revoked');
  expect(await scene.alerts('exposure.not-closed-at-source')).toEqual([]);
});

test('nothing is told while nobody has proven a death', async () => {
  resolved();
  const before = github.received.length;
  const credential = await scene.credential(await scene.integration('Alive'), { authority: null });
  const repo = `octo/leak-${newId()}`;
  await scene.alert({ number: 1, secret: credential.value }, { repo });
  await scene.settled();
  const { id } = await scene.exposureOf(`${repo}#1`);
  await world.app
    .get(CloseAtSourceJob)
    .handle({ exposureId: id }, { by, attempt: 1, signal: AbortSignal.timeout(5000) });
  expect(github.received).toHaveLength(before);
});
