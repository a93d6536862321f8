import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GateService } from '../../src/domain/policy/gate.service.ts';
import { DueSweep } from '../../src/domain/rotation/due.sweep.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { IssuingSupplier } from '../support/issuing-supplier.ts';
import { caller } from '../support/portfolio.ts';
import { BY } from '../support/revocation-scene.ts';
import { RotationScene, type Slot } from '../support/rotation-scene.ts';

/** When a credential is to be rotated, what that would break, and who may begin it. */

let supplier: IssuingSupplier;
let world: TestApp;
let scene: RotationScene;
let partyId: Id;

beforeAll(async () => {
  supplier = await new IssuingSupplier().start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off' } });
  scene = new RotationScene(world, supplier);
  await scene.preset('issuing', 'adds');
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

describe('what is due, and what it would do', () => {
  test('a simulation says what would break, what is not known, and changes nothing', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const [used, silent] = [
      await scene.location(slot, 'scan', 'Shop'),
      await scene.location(slot, 'scan', 'Old job'),
    ];
    await scene.query(
      `INSERT INTO usage_event (id, version_id, credential_id, integration_id, location_id, at, outcome, reported_by) VALUES ($1, $2, $3, $4, $5, $6, 'accepted', 'test')`,
      [newId(), slot.versionId, slot.credentialId, slot.integrationId, used, world.clock.date()],
    );
    await scene.query(`UPDATE location SET version_id = $2 WHERE id = $1`, [silent, slot.versionId]);
    const counts = () =>
      scene.query<{ name: string; n: number }>(
        `SELECT c.relname AS name, (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM "' || c.relname || '"', false, true, '')))[1]::text::int AS n
           FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace WHERE c.relkind = 'r' AND s.nspname = 'public'
            AND c.relname NOT IN ('engine_worker', 'outbox', 'idempotency_key', 'ledger_leaf', 'ledger_node', 'ledger_head') ORDER BY 1`,
      );
    // The gate looks again at what was just set up, beside us: it is to have done so before anything is counted.
    const gate = world.app.get(GateService);
    const waiting = () => scene.query(`SELECT id FROM gate_stale`);
    while ((await waiting()).length > 0) await gate.round(BY);
    const before = await counts();
    const asked = supplier.asked.length;
    const engineer = caller(world, await world.token('integration_engineer'));
    const tokens = await counts();
    const { status, body } = await engineer(
      'GET',
      `/api/v1/credentials/${slot.credentialId}/rotation-simulation`,
    );
    expect(status).toBe(200);
    expect(await counts()).toEqual(tokens);
    expect(before.find(({ name }) => name === 'rotation')).toEqual(
      tokens.find(({ name }) => name === 'rotation'),
    );
    expect(supplier.asked).toHaveLength(asked);
    expect(body).toMatchObject({ recipe: { key: 'rotation' }, counts: { breaks: 1, unknown: 1 } });
    expect(body.places.find((one: { name: string }) => one.name === 'Old job').why).toContain(
      'which is not "never"',
    );
  });

  test('uses from no known place are told, and count as not known', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const log = await scene.location(slot, 'scan', 'Shop');
    await scene.query(`UPDATE location SET kind = 'log' WHERE id = $1`, [log]);
    const feed = caller(world, await world.token('integration_engineer'));
    const simulated = async () =>
      (await feed('GET', `/api/v1/credentials/${slot.credentialId}/rotation-simulation`)).body;
    expect(await simulated()).toMatchObject({ elsewhere: null, counts: { no_consumer: 1, unknown: 0 } });
    const at = new Date(world.clock.now() - HOUR).toISOString();
    const { reference } = (await feed('GET', `/api/v1/credentials/${slot.credentialId}`)).body;
    const use = { credential: reference, at, outcome: 'accepted' };
    const reported = await feed('POST', '/api/v1/usage-events?feed=elsewhere', {
      body: [
        { ...use, eventId: 'e1', actor: 'nightly' },
        { ...use, eventId: 'e2', actor: 'nightly' },
        { ...use, eventId: 'e3' },
      ],
    });
    expect(reported.body).toMatchObject({ accepted: 3 });
    expect(await simulated()).toMatchObject({
      elsewhere: { uses: 3, lastUsedAt: at, actors: ['nightly'], why: expect.stringContaining('not known') },
      counts: { breaks: 0, unknown: 1 },
    });
    expect((await simulated()).places[0].lastUsedAt).toBeNull();
  });

  test('is opened by itself inside its window where its integration asks for it; else an alert says so, once', async () => {
    const [own, other] = [await scene.slot(partyId, 'issuing'), await scene.slot(partyId, 'issuing')];
    const now = world.clock.now();
    for (const { credentialId } of [own, other]) {
      await scene.query(`UPDATE credential SET rotate_every_days = 30 WHERE id = $1`, [credentialId]);
      await scene.query(`UPDATE credential_version SET activated_at = $2 WHERE credential_id = $1`, [
        credentialId,
        new Date(now - 27 * 24 * HOUR),
      ]);
    }
    const engineer = caller(world, await world.token('integration_engineer'));
    const address = `/api/v1/integrations/${own.integrationId}/rotation-setting`;
    const found = await engineer('GET', address);
    expect(found.body).toMatchObject({ automatic: false, rowVersion: 0 });
    // The window opens in two hours.
    const time = (hours: number) => new Date(now + hours * HOUR).toISOString().slice(11, 16);
    const setting = {
      automatic: true,
      leadDays: 7,
      overlapHours: 2,
      windows: [{ days: [1, 2, 3, 4, 5, 6, 7], from: time(2), until: time(4) }],
      zone: 'UTC',
    };
    const put = await engineer('PUT', address, { body: setting, ifMatch: 0 });
    expect([put.status, put.body.rowVersion]).toEqual([200, 1]);
    const sweep = world.app.get(DueSweep);
    const rotations = (of: Slot) =>
      scene.query(`SELECT reason, overlap_seconds FROM rotation WHERE credential_id = $1`, [of.credentialId]);
    await sweep.sweep(BY);
    expect(await rotations(own)).toEqual([]);
    world.clock.advance(3 * HOUR);
    await sweep.sweep(BY);
    await sweep.sweep(BY);
    expect(await rotations(own)).toEqual([
      { reason: expect.stringContaining('every 30 days'), overlap_seconds: 7200 },
    ]);
    expect(await rotations(other)).toEqual([]);
    const alerts = await scene.query(
      `SELECT severity, occurrences FROM alert WHERE dedupe_key = $1 AND handled_at IS NULL`,
      [`rotation-due:${other.credentialId}`],
    );
    expect(alerts).toEqual([{ severity: 'info', occurrences: 1 }]);
    const due = await engineer('GET', '/api/v1/rotations/due?days=30');
    expect(due.body.due.map((one: { credential: { id: string } }) => one.credential.id)).toContain(
      other.credentialId,
    );
    expect(
      (await engineer('GET', `/api/v1/rotations?credentialId=${own.credentialId}`)).body.rotations,
    ).toHaveLength(1);
  });

  test('is not opened again at once where the interval is shorter than the days before', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    const now = world.clock.now();
    await scene.query(`UPDATE credential SET rotate_every_days = 4 WHERE id = $1`, [slot.credentialId]);
    const inUse = (days: number) =>
      scene.query(`UPDATE credential_version SET activated_at = $2 WHERE credential_id = $1`, [
        slot.credentialId,
        new Date(now - days * 24 * HOUR),
      ]);
    await inUse(1);
    await scene.query(
      `INSERT INTO rotation_setting (integration_id, automatic, lead_days, updated_at) VALUES ($1, true, 7, $2)`,
      [slot.integrationId, new Date(now)],
    );
    const opened = async () => {
      await world.app.get(DueSweep).sweep(BY);
      return (await scene.query(`SELECT FROM rotation WHERE credential_id = $1`, [slot.credentialId])).length;
    };
    expect(await opened()).toBe(0);
    await inUse(3);
    expect(await opened()).toBe(1);
  });

  test('is for those who may: a reader looks, and changes nothing', async () => {
    const slot = await scene.slot(partyId, 'issuing');
    await scene.location(slot, 'scan');
    const auditor = caller(world, await world.token('auditor'));
    const start = { reason: 'because', recipe: 'rotation-manual' };
    const address = `/api/v1/credentials/${slot.credentialId}/rotations`;
    expect((await auditor('POST', address, { body: start })).status).toBe(403);
    const engineer = caller(world, await world.token('integration_engineer'));
    // One that is meant for other credentials is refused beside its field, with those that fit; nothing is begun.
    const wrong = await engineer('POST', address, { body: { ...start, recipe: 'rotation-certificate' } });
    expect(wrong).toMatchObject({
      status: 400,
      body: {
        code: 'recipe-of-another-kind',
        errors: [
          {
            field: '/recipe',
            problem: expect.stringContaining('client certificate'),
            mend: expect.stringMatching(/rotation-manual/),
          },
        ],
      },
    });
    expect(wrong.body.errors[0].mend).not.toContain('webhook');
    const both = await engineer('POST', address, { body: { ...start, emergency: true, overlapMinutes: 60 } });
    expect(both).toMatchObject({
      status: 400,
      body: {
        code: 'emergency-without-overlap',
        errors: [{ field: '/overlapMinutes', mend: expect.stringContaining('Leave it out') }],
      },
    });
    const begun = await engineer('POST', address, { body: start });
    expect(begun.status).toBe(201);
    expect((await auditor('GET', `/api/v1/rotations/${begun.body.id}`)).body).toMatchObject({
      madeBy: 'person',
      reason: 'because',
    });
    expect(
      (await engineer('POST', `/api/v1/rotations/${begun.body.id}/cut-early`, { body: { reason: 'x' } }))
        .status,
    ).toBe(409);
    expect(
      (await engineer('POST', `/api/v1/rotations/${begun.body.id}/roll-back`, { body: { reason: 'x' } }))
        .status,
    ).toBe(202);
    expect(
      (await engineer('GET', '/api/v1/rotation-recipes')).body.recipes
        .map(({ key }: { key: string }) => key)
        .sort(),
    ).toEqual([
      'oauth-refresh',
      'rotation',
      'rotation-certificate',
      'rotation-manual',
      'rotation-replacing',
      'rotation-webhook-secret',
    ]);
  });
});
