import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { GateService } from '../../src/domain/policy/gate.service.ts';
import type { Connector, Target } from '../../src/domain/revocation/connector.ts';
import { CanaryPath, NotACanary } from '../../src/domain/revocation/canary-path.ts';
import type { DrillFault } from '../../src/domain/revocation/drill.schema.ts';
import type { DrillView } from '../../src/domain/revocation/drill.schema.ts';
import { DrillRecords } from '../../src/domain/revocation/drill-records.service.ts';
import { findDrill } from '../../src/domain/revocation/drills.queries.ts';
import type { Action } from '../../src/domain/runbooks/action.ts';
import { Actions } from '../../src/domain/runbooks/catalogue.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { caller } from '../support/portfolio.ts';
import { DrillScene } from '../support/drill-scene.ts';
import { BY, type KnownVersion } from '../support/revocation-scene.ts';
import { datadog, ScriptedSupplier } from '../support/scripted-supplier.ts';

/**
 * What goes wrong in an emergency, made to go wrong in a drill: what the product does and says of each fault, what of it
 * stoppers and gate count on, and that none of it can ever happen to anything but a canary.
 */

const supplier = new ScriptedSupplier(datadog);
let world: TestApp;
let scene: DrillScene;
let responder: ReturnType<typeof caller>;
let partyId: Id;

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off' } });
  scene = await DrillScene.at(world, supplier, 'datadog');
  ({ responder } = scene);
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});
beforeEach(() => {
  supplier.faults.splice(0);
  supplier.onRequest = () => {};
});

const path = () => scene.path(partyId);
const canary = (connectionId: Id) => scene.canary(connectionId);
const start = (pathId: Id, faults: readonly string[]) => scene.start(pathId, faults);
const ended = (drillId: Id, step?: number) => scene.ended(drillId, step);
async function drilled(faults: readonly DrillFault[], step?: number) {
  const one = await path();
  const issued = await canary(one.connectionId);
  const { status, body } = await start(one.pathId, faults);
  expect(status).toBe(202);
  return { one, issued, over: await ended(body.drillId, step) };
}
const kinds = (over: DrillView) =>
  over.evidence.map(({ kind, outcome, injected }) => `${kind} ${outcome}${injected ? ` (${injected})` : ''}`);
async function standing(of: KnownVersion) {
  const { body } = await responder('GET', `/api/v1/stoppers?integrationId=${of.integrationId}`);
  return body.credentials[0].stoppers[0];
}
async function untried(of: KnownVersion): Promise<number> {
  const looked = await scene.transactions.run(BY, (db) =>
    world.app.get(GateService).look(db, of.integrationId),
  );
  return looked!.evaluation.findings.filter(({ rule }) => rule === 'untried-stop-path').length;
}
const stateOf = async (label: string) =>
  (await scene.query<{ state: string }>(`SELECT state FROM canary WHERE label = $1`, [label]))[0]?.state;

describe('what the product does and says', () => {
  test('when the answer to the revoke is lost: it looks, and does not revoke twice', async () => {
    const { one, issued, over } = await drilled(['response-lost']);
    expect(over).toMatchObject({ outcome: 'passed', counts: true, faults: ['response-lost'] });
    expect(over.findings).toMatchObject([
      {
        fault: 'response-lost',
        held: true,
        times: 1,
        seconds: expect.any(Number),
        said: 'The answer to the revoke was lost. It was looked at before anything was asked again, and was not revoked a second time. Its death was proven, with its control.',
      },
    ]);
    expect(kinds(over)).toEqual([
      'probe live',
      'revoke unknown (response-lost)',
      'probe dead',
      'control live',
      'probe dead',
    ]);
    expect(supplier.revokesOf(issued.name)).toBe(1);
    expect(await standing(one)).toMatchObject({ standing: 'proven', measured: true });
    expect(await untried(one)).toBe(0);
  });

  test('when the worker dies in mid-cut-over: another takes over when the lease is over, looks first, and proves it', async () => {
    const { one, issued, over } = await drilled(['worker-dies']);
    expect(over).toMatchObject({ outcome: 'passed', counts: true });
    expect(over.findings[0]).toMatchObject({
      held: true,
      said: expect.stringMatching(
        /another one took over after .* looked at before .* not revoked a second time/,
      ),
    });
    expect(supplier.revokesOf(issued.name)).toBe(1);
    // The first try is evidence of nothing: what it heard was never written down.
    expect(kinds(over)).toEqual(['probe live', 'probe dead', 'control live', 'probe dead']);
    const events = await scene.query<{ kind: string }>(
      `SELECT e.kind FROM step_event e JOIN step s ON s.id = e.step_id WHERE s.run_id = $1 AND e.kind LIKE '%take%'`,
      [over.runId],
    );
    expect(events).toHaveLength(1);
    expect(await standing(one)).toMatchObject({ standing: 'proven', measured: true });
  });

  test('when the supplier refuses to be asked again so soon: it waits as long as it was told to', async () => {
    const { one, over } = await drilled(['supplier-rejects-reauthentication'], 100);
    expect(over).toMatchObject({ outcome: 'passed', counts: true });
    expect(over.findings[0]).toMatchObject({
      held: true,
      times: 2,
      said: 'The supplier refused twice and asked for 2 s of rest. Nobody asked before that was over. Its death was proven, with its control.',
    });
    expect(over.injections.every(({ reached, early }) => !reached && !early)).toBe(true);
    expect(await standing(one)).toMatchObject({ standing: 'proven' });
  });

  test('when the supplier says yes and does nothing: it is never called dead, and the path stays what it was', async () => {
    const { one, issued, over } = await drilled(['lying-200'], 20_000);
    expect(over).toMatchObject({ outcome: 'passed', counts: false, seconds: expect.any(Number) });
    expect(over.findings[0]).toMatchObject({
      held: true,
      said: expect.stringMatching(/looked at 12 times, and never called dead/),
    });
    expect(supplier.revokesOf(issued.name)).toBe(0);
    expect(issued.live).toBe(true);
    expect(await standing(one)).toMatchObject({ standing: 'untried', measured: false });
    expect(await untried(one)).toBe(1);
    expect(await scene.query(`SELECT FROM alert WHERE subject_id = $1`, [one.pathId])).toEqual([]);
    expect(
      await scene.query(`SELECT proven_at FROM revocation_path WHERE id = $1 AND proven_at IS NOT NULL`, [
        one.pathId,
      ]),
    ).toEqual([]);
    // Nobody revoked it: it serves the next drill.
    expect(await stateOf(issued.name)).toBe('ready');
    expect(await ended((await start(one.pathId, [])).body.drillId)).toMatchObject({ outcome: 'passed' });
    expect(await standing(one)).toMatchObject({ standing: 'proven' });
  });

  test('when what was issued does not work: nothing is revoked, and a proof that stands goes on standing', async () => {
    const one = await path();
    await canary(one.connectionId);
    expect(await ended((await start(one.pathId, [])).body.drillId)).toMatchObject({ outcome: 'passed' });
    const issued = await canary(one.connectionId);
    const over = await ended((await start(one.pathId, ['invalid-new-secret'])).body.drillId);
    expect(over).toMatchObject({ outcome: 'passed', counts: false });
    expect(over.findings[0]).toMatchObject({
      held: true,
      said: expect.stringContaining('nothing was revoked'),
    });
    expect(kinds(over)).toEqual(['probe dead (invalid-new-secret)']);
    // The supplier itself refused it: what it was shown is no value of its own.
    expect(over.evidence[0]).toMatchObject({ status: 403 });
    expect(supplier.revokesOf(issued.name)).toBe(0);
    expect(await stateOf(issued.name)).toBe('ready');
    expect(await standing(one)).toMatchObject({ standing: 'proven', measured: true });
    expect(await untried(one)).toBe(0);
  });

  test('when several go wrong at once', async () => {
    const { over, issued } = await drilled(
      ['supplier-rejects-reauthentication', 'response-lost', 'worker-dies'],
      100,
    );
    expect(over).toMatchObject({ outcome: 'passed' });
    expect(over.findings.map(({ fault, held }) => [fault, held])).toEqual([
      ['supplier-rejects-reauthentication', true],
      ['response-lost', null],
      ['worker-dies', true],
    ]);
    expect(supplier.revokesOf(issued.name)).toBe(1);
  });

  test('a fault that the supplier makes worse fails the drill, is told, and counts', async () => {
    const one = await path();
    await canary(one.connectionId);
    supplier.goesWrong('lying', 'revoke');
    const { body } = await start(one.pathId, ['response-lost']);
    const over = await ended(body.drillId, 20_000);
    expect(over).toMatchObject({ outcome: 'failed', counts: true });
    expect(over.findings[0]).toMatchObject({ held: false });
    expect(await standing(one)).toMatchObject({ standing: 'drill_failed' });
    expect(await scene.query(`SELECT severity FROM alert WHERE subject_id = $1`, [one.pathId])).toEqual([
      { severity: 'critical' },
    ]);
  });

  test('names what cannot be asked for', async () => {
    const one = await path();
    expect((await start(one.pathId, ['nonsense'])).status).toBe(400);
    expect((await start(one.pathId, ['lying-200', 'lying-200'])).status).toBe(400);
    const auditor = caller(world, await world.token('auditor'));
    expect(
      (
        await auditor('POST', `/api/v1/revocation-paths/${one.pathId}/drills`, {
          body: { faults: ['lying-200'] },
        })
      ).status,
    ).toBe(403);
  });
});

/** A drill as it stands before its first step, which nobody takes. */
async function held() {
  const one = await path();
  const issued = await canary(one.connectionId);
  // The first look waits for us.
  let release = () => {};
  const wait = new Promise<void>((resolve) => (release = resolve));
  supplier.onRequest = async ({ name }) => {
    if (name === issued.name) await wait;
  };
  const { body } = await start(one.pathId, ['lying-200']);
  await until(async () => supplier.kinds(issued.name).includes('probe'), 'the drill to look');
  return { one, issued, drillId: body.drillId as Id, release };
}
const open = (drillId: Id) =>
  scene.transactions.run(BY, async (db) =>
    world.app.get(DrillRecords).machine(db, (await findDrill(db, drillId))!, BY),
  );

describe('no live credential is ever touched', () => {
  test('the connector of a drill refuses whatever is not its canary, though it looks the same', async () => {
    const { one, drillId, release, issued } = await held();
    const opened = await open(drillId);
    expect(opened).toBeInstanceOf(CanaryPath);
    const own = opened as CanaryPath;
    const live = supplier.issued.find(({ name }) => name === one.real)!;
    const call = { idempotencyKey: 'k', signal: AbortSignal.timeout(5000), now: () => world.clock.now() };
    const targets: Target<unknown>[] = [
      { ...own.target, supplierId: live.id },
      { ...own.target },
      { ...own.control! },
    ];
    const before = supplier.asked.length;
    for (const target of targets) {
      await expect(own.connector.revoke!(target, call)).rejects.toBeInstanceOf(NotACanary);
      await expect(own.connector.probe!(target, call)).rejects.toBeInstanceOf(NotACanary);
      await expect(own.connector.checkOwnAuthentication!(target, call)).rejects.toBeInstanceOf(NotACanary);
    }
    // The control vouches and is never killed.
    await expect(own.connector.revoke!(own.control!, call)).rejects.toBeInstanceOf(NotACanary);
    expect(supplier.asked.length).toBe(before);
    // It can do nothing else: what a connector learns later is not handed on by itself.
    const acts = (['endSessions', 'clearAway', 'listUsage'] satisfies (keyof Connector)[]).filter(
      (act) => own.connector[act] !== undefined,
    );
    expect(acts).toEqual([]);
    release();
    await ended(drillId, 20_000);
    expect(issued.live && live.live).toBe(true);
  });

  test('every action of the drill refuses a live version in place of a drill', async () => {
    const one = await path();
    const uses = ['drill', 'rotation-drill'].flatMap((name) => {
      const text = readFileSync(new URL(`../../templates/runbooks/${name}.yaml`, import.meta.url), 'utf8');
      return (parse(text) as { steps: { uses: string }[] }).steps.map((step) => step.uses);
    });
    expect(uses.length).toBeGreaterThan(8);
    const before = supplier.asked.length;
    for (const name of uses) {
      const action = world.app.get(Actions).get(name) as Action;
      for (const id of [one.versionId, one.credentialId, one.pathId]) {
        const answer = await action.run({
          stepId: newId(),
          runId: newId(),
          subject: { kind: 'revocation_path', id: one.pathId },
          with: action.with.parse({
            drillId: id,
            ...(name === 'call-out' || name === 'conclude-drill' ? { within: '1d' } : {}),
          }),
          attempt: 1,
          tries: { failed: 0, left: 3 },
          since: world.clock.now(),
          idempotencyKey: 'k:1',
          takenOver: false,
          outputs: {},
          correlationId: 'c',
          now: () => world.clock.now(),
          turn: (ask) => ask(),
          signal: AbortSignal.timeout(5000),
        });
        expect({ name, answer }).toMatchObject({ name, answer: { answer: 'failed' } });
      }
    }
    expect(supplier.asked.length).toBe(before);
  });

  test('a canary that became a credential while the drill ran is left alone from then on', async () => {
    const { one, issued, drillId, release } = await held();
    await scene.query(`UPDATE credential_version SET supplier_id = $2 WHERE id = $1`, [
      one.versionId,
      issued.id,
    ]);
    expect(await open(drillId)).toMatchObject({ problem: expect.stringContaining('of the portfolio') });
    release();
    const over = await ended(drillId, 20_000);
    expect(over).toMatchObject({ outcome: 'failed' });
    expect(supplier.revokesOf(issued.name)).toBe(0);
    expect(issued.live).toBe(true);
  });

  test('the database refuses a drill of a credential, of a canary that nobody took, and faults without a canary', async () => {
    const one = await path();
    const issued = await canary(one.connectionId);
    const [row] = await scene.query<{ id: Id }>(`SELECT id FROM canary WHERE label = $1`, [issued.name]);
    const insert = (canaryId: Id | null, faults: string[]) =>
      scene.query(
        `INSERT INTO drill (id, revocation_path_id, canary_id, started_at, faults) VALUES ($1, $2, $3, $4, $5)`,
        [newId(), one.pathId, canaryId, world.clock.date(), faults],
      );
    await expect(insert(one.versionId, [])).rejects.toThrow(/canary/);
    await expect(insert(row!.id, [])).rejects.toThrow('a drill takes a canary that was taken for it');
    await expect(insert(null, ['lying-200'])).rejects.toThrow('drill_faults_on_a_canary');
    await scene.query(`UPDATE canary SET state = 'taken', taken_at = $2 WHERE id = $1`, [
      row!.id,
      world.clock.date(),
    ]);
    await scene.query(`UPDATE credential_version SET supplier_id = $2 WHERE id = $1`, [
      one.versionId,
      issued.id,
    ]);
    await expect(insert(row!.id, [])).rejects.toThrow('never takes a credential of the portfolio');
  });
});
