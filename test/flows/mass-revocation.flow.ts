import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { MassRevocationsService } from '../../src/domain/incidents/mass-revocations.service.ts';
import { versionBinding } from '../../src/domain/revocation/targets.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { ELAPSED_DAY, HOUR } from '../../src/kernel/time.ts';
import { Vault } from '../../src/platform/vault/vault.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { LeakScene, type SceneCredential } from '../support/leak-scene.ts';
import { RevocationScene } from '../support/revocation-scene.ts';
import { oauth, ScriptedSupplier } from '../support/scripted-supplier.ts';

const supplier = new ScriptedSupplier(oauth);
let world: TestApp;
let scene: LeakScene;
let connectionId: Id;
/** Two people who may approve, and two who may even force. */
let ann: string;
let ben: string;

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort] } });
  scene = await LeakScene.set(world);
  connectionId = await new RevocationScene(world.app).connection(
    scene.supplierId,
    'oauth-generic',
    supplier,
    {
      canary: supplier.issue('canary'),
    },
  );
  ann = await world.token('responder');
  ben = await world.token('responder');
}, 120_000);
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

/** A credential whose value is kept here, so that its death can be proven though nobody reported it. */
async function kept(
  integrationId: Id,
  o: Parameters<LeakScene['credential']>[1] = {},
): Promise<SceneCredential> {
  const issued = supplier.issue(`kept-${newId()}`);
  const credential = await scene.credential(integrationId, {
    authority: 'revoke_now',
    value: issued.value,
    connectionId,
    ...o,
  });
  await scene.work(async (db) => {
    const ref = await world.app
      .get(Vault)
      .put(db, versionBinding(credential.versionId), Secret.of(issued.value));
    await db.query(`UPDATE credential_version SET store_ref = $2 WHERE id = $1`, [credential.versionId, ref]);
  });
  return credential;
}

const asked = (selection: object, o: { token?: string; force?: boolean } = {}) =>
  scene.call('POST', '/api/v1/mass-revocations', {
    token: o.token ?? ann,
    headers: { 'idempotency-key': newId() },
    body: { selection, reason: 'The supplier was breached.', ...(o.force ? { force: true } : {}) },
  });
const approve = (id: Id, versions: number, token = ben) =>
  scene.call('POST', `/api/v1/mass-revocations/${id}/approve`, { token, body: { versions } });
const read = async (id: Id) => (await scene.call('GET', `/api/v1/mass-revocations/${id}`)).body;
const forcing = async () =>
  expectOk(
    await world.app.get(AccessService).createToken(
      {
        name: 'force',
        permissions: ['revocations:read', 'revocations:ask', 'revocations:approve', 'revocations:force'],
        partyId: null,
        expiresAt: world.clock.now() + ELAPSED_DAY,
      },
      system(newId(), 'test'),
    ),
  ).value.use((value) => value);

describe('many at once', () => {
  test('one asks and sees who breaks, another approves exactly that, and each is proven dead', async () => {
    const shop = await scene.integration('Mass shop', { parties: [scene.customerId] });
    const partner = await scene.integration('Mass partner', { parties: [scene.customerId] });
    const [low, high] = [await kept(shop, { risk: 100 }), await kept(shop, { risk: 900, uses: [partner] })];
    const answer = await asked({ integrationId: shop });
    expect(answer.status).toBe(201);
    const draft = answer.body;
    expect(draft).toMatchObject({
      state: 'draft',
      versions: 2,
      standings: { untouched: 2, proven_dead: 0 },
      whoBreaks: {
        credentials: 2,
        shared: [{ id: high.credentialId, uses: 2 }],
        decisions: { act: 2, approve: 0, replace_first: 0, person: 0 },
        integrations: [
          { id: shop, credentials: 2, home: true },
          { id: partner, credentials: 1, home: false },
        ],
        added: [],
      },
    });
    expect(draft.whoBreaks.unknown.join(' ')).toMatch(/no location on record.*never seen in use/);
    expect(supplier.kinds()).not.toContain('revoke');

    const late = await kept(shop);
    expect((await read(draft.id)).whoBreaks.added).toHaveLength(1);

    expect((await approve(draft.id, 2, ann)).body).toMatchObject({ code: 'second-person-needed' });
    expect((await approve(draft.id, 3)).body).toMatchObject({ code: 'other-than-seen' });
    expect((await approve(draft.id, 2)).status).toBe(202);
    expect((await approve(draft.id, 2)).body).toMatchObject({ code: 'not-a-draft' });
    await until(async () => (await read(draft.id)).standings.proven_dead === 2, 'both are proven dead');
    const done = await read(draft.id);
    expect(done).toMatchObject({
      state: 'started',
      incidents: [{ reference: expect.stringMatching(/^INC-/) }],
    });

    const revokes = supplier.asked.filter(({ kind }) => kind === 'revoke').map(({ name }) => name);
    const nameOf = (credential: SceneCredential) => supplier.byValue(credential.value)!.name;
    expect(revokes).toEqual(expect.arrayContaining([nameOf(low), nameOf(high)]));
    expect(supplier.byValue(late.value)!.live).toBe(true);
    const { body: exposed } = await scene.call(
      'GET',
      `/api/v1/incidents/${done.incidents[0].id}/credentials`,
    );
    expect(exposed.credentials.map((one: { versionId: Id }) => one.versionId)).toEqual([
      high.versionId,
      low.versionId,
    ]);
  });

  test('what was agreed still holds; force lifts the waiting, needs its own permission twice, and proves nothing', async () => {
    const site = await scene.integration('Mass waiting');
    const replace = await kept(site, { authority: 'replace_first' });
    const ask = await kept(site, { authority: 'approve_within', minutes: 30 });
    const plain = (await asked({ integrationId: site })).body;
    expect(plain.whoBreaks.decisions).toEqual({ act: 0, approve: 1, replace_first: 1, person: 0 });
    await approve(plain.id, 2);
    await scene.settled();
    await until(async () => (await read(plain.id)).state === 'started', 'it starts');
    await scene.settled();
    expect(supplier.byValue(replace.value)!.live).toBe(true);
    expect(supplier.byValue(ask.value)!.live).toBe(true);
    const mayAct = async () =>
      (
        await scene.rows<{ may_act: string }>(
          `SELECT may_act FROM incident_credential WHERE integration_id = $1 ORDER BY may_act`,
          [site],
        )
      ).map(({ may_act: word }) => word);
    expect(await mayAct()).toEqual(['approve', 'replace_first']);

    expect((await asked({ integrationId: site }, { force: true })).status).toBe(403);
    const [first, second] = [await forcing(), await forcing()];
    const forced = (await asked({ integrationId: site }, { token: first, force: true })).body;
    expect(forced.whoBreaks.decisions).toEqual({ act: 2, approve: 0, replace_first: 0, person: 0 });
    expect((await approve(forced.id, 2)).status).toBe(403);
    supplier.goesWrong('lying', 'revoke', 1);
    expect((await approve(forced.id, 2, second)).status).toBe(202);
    await until(
      async () =>
        supplier.revokesOf(supplier.byValue(ask.value)!.name) +
          supplier.revokesOf(supplier.byValue(replace.value)!.name) >=
        2,
      'both were asked for',
    );
    expect(await mayAct()).toEqual(['act', 'act']);
    // The supplier that lied is not believed, force or not.
    const lied = [replace, ask].filter(({ value }) => supplier.byValue(value)!.live).length;
    await until(
      async () => (await read(forced.id)).standings.proven_dead === 2 - lied,
      'what is dead is proven dead',
    );
    expect((await read(forced.id)).standings.proven_dead).toBe(2 - lied);
  });

  test('two who approve in one instant start it once', async () => {
    const site = await scene.integration('Mass race');
    await kept(site);
    const { id } = (await asked({ integrationId: site })).body;
    const other = await world.token('admin');
    const answers = await Promise.all([approve(id, 1), approve(id, 1, other)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409]);
    await until(async () => (await read(id)).standings.proven_dead === 1, 'it is proven dead');
    expect(
      await scene.rows(
        `SELECT FROM exposure WHERE external_ref LIKE (SELECT reference FROM mass_revocation WHERE id = $1) || ':%'`,
        [id],
      ),
    ).toHaveLength(1);
  });

  test('the preview names whose value is not kept here though the supplier wants to see it', async () => {
    const site = await scene.integration('Mass valueless');
    const there = await kept(site, { kind: 'valueless_kind' });
    const without = await scene.credential(site, {
      authority: 'revoke_now',
      kind: 'valueless_kind',
      connectionId,
    });
    // Stopped by hand anyway: that is said elsewhere.
    await scene.credential(site, { authority: 'revoke_now', kind: 'valueless_kind' });
    const { whoBreaks } = (await asked({ type: 'valueless_kind' })).body;
    const { reference } = await scene.one<{ reference: string }>(
      `SELECT reference FROM credential WHERE id = $1`,
      [without.credentialId],
    );
    expect(there.versionId).not.toBe(without.versionId);
    expect(whoBreaks.valueless).toEqual({
      versions: 1,
      listed: [{ reference, name: expect.any(String), version: 1, neededFor: 'revoke_and_probe' }],
    });
  });

  test('stopped between two portions, what was handed over dies, the rest is still to start, and starts once', async () => {
    const site = await scene.integration('Mass portions');
    const all: SceneCredential[] = [];
    for (let n = 0; n < 30; n++) all.push(await kept(site, { risk: 500 - n }));
    const { id } = (await asked({ integrationId: site })).body;
    expect((await read(id)).toStart).toBe(0);
    // Approved while no worker was there to start it.
    await scene.work((db) =>
      db.query(
        `UPDATE mass_revocation SET state = 'approved', approved_by = 'ben', approved_at = $2 WHERE id = $1`,
        [id, new Date(world.clock.now())],
      ),
    );
    expect(await read(id)).toMatchObject({ toStart: 30, incidents: [] });
    const mass = world.app.get(MassRevocationsService);
    let portions = 0;
    const died = new Error('the worker died');
    const afterOne = {
      throwIfAborted() {
        if (portions++ > 0) throw died;
      },
    } as AbortSignal;
    await expect(mass.start(id, system('test', newId()), afterOne)).rejects.toBe(died);

    await until(
      async () => (await read(id)).standings.proven_dead === 25,
      'the first portion is proven dead',
    );
    await scene.settled();
    const half = await read(id);
    expect(half).toMatchObject({
      state: 'approved',
      toStart: 5,
      standings: { proven_dead: 25, untouched: 5 },
      incidents: [{ state: 'containing' }],
    });
    expect(all.slice(25).every(({ value }) => supplier.byValue(value)!.live)).toBe(true);

    const again = () => mass.start(id, system('test', newId()));
    await Promise.all([again(), again()]);
    await until(async () => (await read(id)).standings.proven_dead === 30, 'all are proven dead');
    expect(await read(id)).toMatchObject({
      state: 'started',
      toStart: 0,
      incidents: [{ id: half.incidents[0].id }],
    });
    const exposures = await scene.rows<{ version_id: Id }>(
      `SELECT version_id FROM exposure WHERE batch_id = (SELECT batch_id FROM mass_revocation WHERE id = $1)`,
      [id],
    );
    expect(exposures.map((row) => row.version_id).toSorted()).toEqual(
      all.map(({ versionId }) => versionId).toSorted(),
    );
    expect(
      await scene.rows(`SELECT DISTINCT run_id FROM incident_credential WHERE incident_id = $1`, [
        half.incidents[0].id,
      ]),
    ).toHaveLength(1);
    for (const { value } of all) expect(supplier.revokesOf(supplier.byValue(value)!.name)).toBe(1);
  });

  test('nothing selected, everything selected, and a withdrawn draft are refused', async () => {
    const drawn = () => scene.rows<{ n: string }>(`SELECT last_value::text AS n FROM reference_mrv`);
    const before = await drawn();
    expect((await asked({ integrationId: newId() })).body).toMatchObject({ code: 'nothing-selected' });
    // Nobody looks for a request that there never was.
    expect(await drawn()).toEqual(before);
    expect((await asked({})).status).toBe(400);
    const site = await scene.integration('Mass withdrawn');
    await kept(site, { kind: 'rare_kind' });
    const { id } = (await asked({ type: 'rare_kind', prefix: 'Key' })).body;
    expect(
      (
        await scene.call('POST', `/api/v1/mass-revocations/${id}/withdraw`, {
          token: ann,
          body: { reason: 'Not needed.' },
        })
      ).status,
    ).toBe(204);
    expect((await approve(id, 1)).body).toMatchObject({ code: 'not-a-draft' });
  });
});

describe('did we get everything', () => {
  test('every version of the supplier stands in exactly one count; what came later is shown as such', async () => {
    const since = new Date(world.clock.now()).toISOString();
    world.clock.advance(HOUR);
    const site = await scene.integration('Mass count');
    await scene.credential(site);
    const empty = await scene.credential(site);
    await scene.work(async (db) => {
      await db.query(`DELETE FROM fingerprint WHERE version_id = $1`, [empty.versionId]);
      await db.query(`DELETE FROM credential_version WHERE id = $1`, [empty.versionId]);
    });
    const { body } = await scene.call(
      'GET',
      `/api/v1/parties/${scene.supplierId}/completeness?limit=3&since=${encodeURIComponent(since)}`,
    );
    const sum = (Object.values(body.standings) as number[]).reduce((a, b) => a + b, 0);
    expect(sum).toBe(body.versions);
    expect(body).toMatchObject({ addsUp: true, complete: false, addedSince: 2 });
    expect(body.standings.no_version).toBe(1);
    expect(body.standings.proven_dead).toBeGreaterThanOrEqual(3);
    const seen: string[] = [];
    for (let { lines, next } = body; ;) {
      seen.push(
        ...lines.map(
          (line: { versionId: Id | null; credentialId: Id }) => line.versionId ?? line.credentialId,
        ),
      );
      for (const line of lines) if (line.standing === 'proven_dead') expect(line.evidenceId).not.toBeNull();
      if (next === null) break;
      ({ lines, next } = (
        await scene.call('GET', `/api/v1/parties/${scene.supplierId}/completeness?limit=3&cursor=${next}`)
      ).body);
    }
    expect(new Set(seen).size).toBe(body.versions);
    expect(seen).toHaveLength(body.versions);
    const file = await world.app.inject({
      method: 'GET',
      url: `/api/v1/parties/${scene.supplierId}/completeness.csv`,
      headers: { authorization: `Bearer ${ann}` },
    });
    expect(file.statusCode).toBe(200);
    expect(file.body.trim().split('\r\n')).toHaveLength(3 + body.versions);
  });
});
