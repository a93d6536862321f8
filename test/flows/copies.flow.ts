import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { MINUTE } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';
import { RevocationScene } from '../support/revocation-scene.ts';
import { oauth, ScriptedSupplier } from '../support/scripted-supplier.ts';

/** Where copies lie, which version each holds, and what shows that one is gone. */

const PASSWORD = 'correct horse battery staple';
const supplier = new ScriptedSupplier(oauth);
let world: TestApp;
let scene: LeakScene;
let connectionId: Id;
let rita: ConsoleSession;

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort] } });
  scene = await LeakScene.set(world);
  await scene.github();
  connectionId = await new RevocationScene(world.app).connection(
    scene.supplierId,
    'oauth-generic',
    supplier,
    { canary: supplier.issue('canary') },
  );
  expectOk(
    await world.app.get(AccessService).createUser(
      {
        email: 'rita@operator.example',
        name: 'Rita',
        roles: ['responder', 'vendor_risk'],
        password: Secret.of(PASSWORD),
      },
      system('test', 'test'),
    ),
  );
  rita = await ConsoleSession.signIn(world, 'rita@operator.example', PASSWORD);
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

let made = 0;
async function credential(o: { live?: boolean } = {}): Promise<SceneCredential> {
  const integration = await scene.integration(`Copied ${(made += 1)}`, { parties: [scene.customerId] });
  return scene.credential(integration, {
    authority: 'revoke_now',
    ...(o.live ? { connectionId, value: supplier.issue(`copied-${made}`).value } : {}),
  });
}

async function copy(of: SceneCredential, o: Record<string, unknown> = {}): Promise<Id> {
  const added = await scene.call('POST', `/api/v1/credentials/${of.credentialId}/locations`, {
    body: {
      type: 'env_file',
      name: 'Shop environment',
      path: 'deploy/app.env',
      partyId: scene.operatorId,
      arrivedBy: 'injected',
      putBy: 'deploy pipeline',
      putAt: new Date(world.clock.now() - 60 * MINUTE).toISOString(),
      versionId: of.versionId,
      ...o,
    },
  });
  expect(added.status).toBe(201);
  return (added.body as { id: Id }).id;
}

async function nextVersion(of: SceneCredential, value: string): Promise<Id> {
  await scene.rows(`UPDATE credential_version SET activated_at = created_at WHERE id = $1`, [of.versionId]);
  const added = await scene.call('POST', `/api/v1/credentials/${of.credentialId}/versions`, {
    body: { value },
  });
  expect(added.status).toBe(201);
  return (added.body as { id: Id }).id;
}

async function reported(of: SceneCredential): Promise<{ id: Id; reference: string }> {
  const repo = `octo/copies-${newId()}`;
  await scene.alert({ number: 1, secret: of.value }, { repo });
  await scene.settled();
  return scene.one(
    `SELECT i.id, i.reference FROM exposure e JOIN incident i ON i.id = e.incident_id WHERE e.external_ref = $1`,
    [`${repo}#1`],
  );
}

const dead = (of: SceneCredential) =>
  until(
    async () =>
      (
        await scene.rows(`SELECT FROM version_death WHERE version_id = $1 AND liveness = 'dead'`, [
          of.versionId,
        ])
      ).length === 1,
    'proven dead',
  );
const copiesIn = async (incidentId: Id) =>
  (await scene.call('GET', `/api/v1/incidents/${incidentId}/locations`)).body as {
    locations: { locationId: Id; versionId: Id; verdict: string | null; method: string | null }[];
  };
const stateOf = async (id: Id) =>
  (await scene.one<{ state: string }>(`SELECT state FROM incident WHERE id = $1`, [id])).state;
const sha256 = (value: string) => createHash('sha256').update(value).digest('hex');

describe('a copy', () => {
  test('says by whom, when, how and of which version it was put there, over the API and on the page', async () => {
    const of = await credential();
    const locationId = await copy(of);
    const { body: view } = await scene.call('GET', `/api/v1/credentials/${of.credentialId}`);
    expect(view).toMatchObject({
      locations: [
        { id: locationId, arrivedBy: 'injected', putBy: 'deploy pipeline', versionId: of.versionId },
      ],
    });
    const history = await scene.call('GET', `/api/v1/locations/${locationId}/holdings`);
    expect(history.body).toMatchObject({
      holdings: [{ version: 1, arrivedBy: 'injected', putBy: 'deploy pipeline', shownBy: 'record' }],
    });
  });

  test('that takes another version keeps what it held, and counts for both until the old one is shown to be gone', async () => {
    const of = await credential();
    const locationId = await copy(of, { provable: 'fingerprint' });
    const second = await nextVersion(of, 'the value of version two, which is long');
    const moved = await scene.call('POST', `/api/v1/locations/${locationId}/holdings`, {
      body: { versionId: second, arrivedBy: 'stored', putBy: 'Olga' },
    });
    expect(moved).toMatchObject({ status: 201, body: { moved: true } });
    const history = await scene.call('GET', `/api/v1/locations/${locationId}/holdings`);
    expect(history.body).toMatchObject({
      holdings: [
        { version: 2, arrivedBy: 'stored', putBy: 'Olga' },
        { version: 1, arrivedBy: 'injected', putBy: 'deploy pipeline' },
      ],
    });
    const convergence = () => scene.call('GET', `/api/v1/credentials/${of.credentialId}/convergence`);
    expect((await convergence()).body).toMatchObject({
      target: 2,
      converged: true,
      counts: { seen: 0, stated: 1, other: 0, unknown: 0 },
      places: [{ standing: 'stated', left: [1] }],
    });
    const incident = await reported(of);
    expect((await copiesIn(incident.id)).locations).toMatchObject([
      { locationId, versionId: of.versionId, verdict: null },
    ]);
    const seen = await scene.call('POST', `/api/v1/locations/${locationId}/fingerprints`, {
      body: { sha256: sha256('the value of version two, which is long') },
    });
    expect(seen).toMatchObject({ status: 200, body: { version: 2, gone: [1] } });
    expect((await convergence()).body).toMatchObject({
      counts: { seen: 1, stated: 0 },
      places: [{ standing: 'seen', left: [] }],
    });
    expect((await copiesIn(incident.id)).locations).toMatchObject([
      { locationId, verdict: 'gone', method: 'fingerprint' },
    ]);
    const ahead = { versionId: of.versionId, putAt: new Date(world.clock.now() + 10 * MINUTE).toISOString() };
    expect(
      await scene.call('POST', `/api/v1/locations/${locationId}/holdings`, { body: ahead }),
    ).toMatchObject({ status: 400, body: { errors: [{ field: '/putAt' }] } });
    const added = { type: 'log', name: 'A log', partyId: scene.operatorId, putAt: ahead.putAt };
    expect(
      await scene.call('POST', `/api/v1/credentials/${of.credentialId}/locations`, { body: added }),
    ).toMatchObject({ status: 400, body: { errors: [{ field: '/putAt' }] } });
    // Version 2 is to be revoked as well: none is left that the copies could hold.
    await scene.rows(
      `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, updated_at)
       SELECT id, credential_id, integration_id, 'requested', $2 FROM credential_version WHERE credential_id = $1 AND number = 2
       ON CONFLICT (version_id) DO UPDATE SET revocation = 'requested'`,
      [of.credentialId, world.clock.date()],
    );
    expect((await convergence()).body).toMatchObject({ target: null, converged: false });
    await expect(
      scene.rows(`UPDATE location_holding SET put_by = 'nobody' WHERE location_id = $1`, [locationId]),
    ).rejects.toThrow(/permission denied/);
  });

  test('is to hold the version in use; where that is being revoked, the one that overlaps with it, unless it was exposed', async () => {
    const of = await credential();
    await copy(of);
    const second = await nextVersion(of, 'the value of another version two, quite long');
    const target = async () =>
      (await scene.call('GET', `/api/v1/credentials/${of.credentialId}/convergence`)).body.target;
    expect(await target()).toBe(2);
    await scene.rows(
      `INSERT INTO version_death (version_id, credential_id, integration_id, revocation, updated_at)
       SELECT id, credential_id, integration_id, 'requested', $2 FROM credential_version WHERE id = $1`,
      [second, world.clock.date()],
    );
    expect(await target()).toBe(1);
    await reported(of);
    expect(await target()).toBeNull();
  });

  test('by its fingerprint shows what is used: the exposed version, or a value that nobody knows', async () => {
    const of = await credential();
    const locationId = await copy(of, { provable: 'fingerprint' });
    const report = (value: string, token?: string) =>
      scene.call('POST', `/api/v1/locations/${locationId}/fingerprints`, {
        body: { sha256: sha256(value) },
        ...(token ? { token } : {}),
      });
    expect((await report(of.value)).body).toMatchObject({ version: 1, gone: [] });
    const incident = await reported(of);
    expect((await copiesIn(incident.id)).locations).toMatchObject([{ verdict: 'present' }]);
    expect((await report('a value that nobody has told us of')).body).toMatchObject({
      version: null,
      gone: [],
    });
    expect((await copiesIn(incident.id)).locations).toMatchObject([{ verdict: 'present' }]);
    // Nobody can say any more that it holds what was seen there before.
    const convergence = () =>
      scene.call('GET', `/api/v1/credentials/${of.credentialId}/convergence?version=1`);
    expect((await convergence()).body).toMatchObject({
      converged: false,
      counts: { seen: 0, other: 1 },
      places: [{ standing: 'other', version: null, shownBy: 'fingerprint', left: [1] }],
    });
    const looks = await scene.rows<{ verdict: string }>(
      `SELECT verdict FROM copy_look WHERE location_id = $1 ORDER BY recorded_at, id`,
      [locationId],
    );
    expect(looks.map(({ verdict }) => verdict)).toEqual(['present', 'indeterminate']);
    // What is told late tells nothing of now.
    const late = { sha256: sha256(of.value), seenAt: new Date(world.clock.now() - MINUTE).toISOString() };
    expect(
      (await scene.call('POST', `/api/v1/locations/${locationId}/fingerprints`, { body: late })).body,
    ).toMatchObject({ version: 1, gone: [], why: expect.stringContaining('since') });
    expect((await convergence()).body).toMatchObject({ counts: { seen: 0, other: 1 } });
    // The place is the operator's: what another party says of it proves nothing.
    const customer = await scene.token('party_contact', scene.customerId);
    expect((await report(of.value, customer)).status).toBe(403);
    const stranger = await scene.token('party_contact', await new RevocationScene(world.app).party());
    expect((await report(of.value, stranger)).status).toBe(404);
  });

  test('is shown to be gone by a scan that sees the value elsewhere or saw it before; silence alone shows nothing', async () => {
    const of = await credential({ live: true });
    const locationId = await copy(of, { provable: 'scan' });
    const incident = await reported(of);
    await dead(of);
    await scene.settled();
    expect(await stateOf(incident.id)).toBe('containing');
    const scan = async (report: unknown, more: object = {}) => {
      world.clock.advance(MINUTE);
      const answer = await scene.call('POST', `/api/v1/locations/${locationId}/scans`, {
        body: {
          versionId: of.versionId,
          format: 'gitleaks',
          report,
          covers: ['.'],
          scannedAt: new Date(world.clock.now()).toISOString(),
          ...more,
        },
      });
      expect(answer.status).toBe(200);
      return answer.body as { verdict: string; why: string; elsewhere: number };
    };
    expect(await scan([])).toMatchObject({ verdict: 'indeterminate' });
    expect(await scan([{ File: 'deploy/app.env', Secret: of.value }])).toMatchObject({ verdict: 'present' });
    expect(await scan([{ File: 'deploy/app.env', Secret: 'REDACTED' }])).toMatchObject({
      verdict: 'indeterminate',
    });
    expect(await stateOf(incident.id)).toBe('containing');
    expect(await scan([{ File: 'docs/old.md', Secret: of.value }])).toMatchObject({
      verdict: 'gone',
      elsewhere: 1,
    });
    const { html } = await rita.page(`/incidents/${incident.reference}/items/copy/${locationId}`);
    for (const word of ['does not tell', 'still there', 'gone', 'scan by gitleaks'])
      expect(html).toContain(word);
    // The step that asked the owner looks again, and the incident follows from the proof.
    await until(async () => (await stateOf(incident.id)) === 'contained', 'contained');
    expect(await new RevocationScene(world.app).everythingStored()).not.toContain(of.value);
    expect(
      await scene.call('POST', `/api/v1/locations/${locationId}/scans`, {
        body: {
          versionId: of.versionId,
          format: 'sarif',
          report: [],
          scannedAt: new Date(world.clock.now()).toISOString(),
        },
      }),
    ).toMatchObject({ status: 400, body: { code: 'bad-report' } });
  });

  test('that cannot be proven is flagged in the room and by an alert, and holds the incident open', async () => {
    const of = await credential({ live: true });
    await copy(of, { provable: 'no', type: 'legacy_middleware', name: 'Old bus' });
    const incident = await reported(of);
    await dead(of);
    await scene.settled();
    await until(
      async () => (await copiesIn(incident.id)).locations[0]?.verdict === 'cannot_be_proven',
      'looked at',
    );
    expect(await stateOf(incident.id)).toBe('containing');
    const { html } = await rita.page(`/incidents/${incident.reference}`);
    expect(html).toContain('active location cannot be proved');
    expect(await scene.alerts('copy.cannot-be-proved')).toMatchObject([
      { message: expect.stringContaining('Active location cannot be proved') },
    ]);
    const close = () =>
      scene.call('POST', `/api/v1/incidents/${incident.id}/close`, { body: { reason: 'nothing is left' } });
    expect(await close()).toMatchObject({ status: 409, body: { code: 'not-contained' } });
  });
});

test('a supplier that says yes and does nothing is shown as contained nowhere: not in the room, the API, or outside', async () => {
  const issued = supplier.issue('lied-about');
  const integration = await scene.integration('Lied about', { parties: [scene.customerId] });
  const of = await scene.credential(integration, {
    authority: 'revoke_now',
    connectionId,
    value: issued.value,
  });
  supplier.goesWrong('lying', 'revoke', 50);
  const incident = await reported(of);
  await until(
    async () =>
      (
        await scene.rows(
          `SELECT FROM version_death WHERE version_id = $1 AND revocation = 'accepted' AND liveness = 'live'`,
          [of.versionId],
        )
      ).length === 1,
    'accepted, and alive',
  );
  await scene.settled();
  expect(issued.live).toBe(true);
  expect(await stateOf(incident.id)).toBe('containing');
  const { body: api } = await scene.call('GET', `/api/v1/incidents/${incident.id}`);
  expect(api).toMatchObject({ state: 'containing', containedAt: null, counts: { verifiedDead: 0 } });
  const { body: exposed } = await scene.call('GET', `/api/v1/incidents/${incident.id}/credentials`);
  expect(exposed).toMatchObject({ credentials: [{ revocation: 'accepted', liveness: 'live' }] });
  const { html } = await rita.page(`/incidents/${incident.reference}`);
  const state = /<div id="room-state">(.*?)<div id="room-alive">/s.exec(html)?.[1] ?? '';
  expect(state).toContain('containing');
  expect(state).not.toContain('contained');
  expect(html).toContain('</svg>alive</span>');
  expect(html).not.toContain('</svg>proven dead</span>');
  expect(html).toContain('<b>0</b><span>proven dead</span>');
  const customer = await scene.token('party_contact', scene.customerId);
  const { body: cases } = await scene.call('GET', `/api/v1/cases?integration=${integration}`, {
    token: customer,
  });
  const [one] = (cases as { cases: { id: Id; state: string; containedAt: string | null }[] }).cases;
  expect(one).toMatchObject({ state: 'open', containedAt: null });
  const { body: detail } = await scene.call('GET', `/api/v1/cases/${one!.id}`, { token: customer });
  expect(detail).toMatchObject({
    state: 'open',
    credentials: [{ liveness: 'live', revocation: 'accepted' }],
  });
  expect(
    await scene.rows(
      `SELECT FROM notice n JOIN incident_case c ON c.id = n.subject_id WHERE c.incident_id = $1 AND n.trigger = 'contained'`,
      [incident.id],
    ),
  ).toEqual([]);
  supplier.faults.length = 0;
});
