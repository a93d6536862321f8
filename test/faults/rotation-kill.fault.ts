import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { RotationView } from '../../src/domain/rotation/rotation.schema.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { IssuingSupplier, type AskedFor } from '../support/issuing-supplier.ts';
import { BY } from '../support/revocation-scene.ts';
import { RotationScene, type Slot } from '../support/rotation-scene.ts';

/**
 * A worker is killed at every boundary of a rotation: around the transaction of each state, and around each call to the
 * supplier, which keeps the truth. Another one goes on. At no instant are both versions dead, and in the end nothing that
 * was ever made is left alive but the one version in use.
 */

const root = new URL('../../', import.meta.url).pathname;
let supplier: IssuingSupplier;
let world: TestApp;
let scene: RotationScene;
let partyId: Id;
const children = new Set<ChildProcess>();
/** Instants at which a slot had no living key. */
const dark: string[] = [];
const slots: { slot: Slot; id: Id; reference: string; name: string; goal: 'done' | 'rolled_back' }[] = [];

beforeAll(async () => {
  // The workers run compiled code; make sure that it is this code.
  await promisify(execFile)(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
    { cwd: root },
  );
  supplier = await new IssuingSupplier().start();
  // This process starts rotations and looks; the workers do the work.
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off', role: 'web' } });
  scene = new RotationScene(world, supplier);
  await scene.preset('issuing', 'adds');
  await scene.preset('rolling', 'replaces');
  partyId = await scene.party();
  next = standby();
}, 180_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await world?.close();
  await supplier.stop();
});

afterEach(() => {
  slots.length = 0;
  dark.length = 0;
  [supplier.onArrive, supplier.onDone] = [() => {}, () => {}];
});

/** A process that has loaded everything and waits to be told how it dies. */
function standby(): ChildProcess {
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
  return child;
}

let next: ChildProcess;

async function worker(rotation: Id | '-', state: string, when: 'before' | 'after'): Promise<ChildProcess> {
  const child = next;
  next = standby();
  child.stdin!.write(`${rotation} ${state} ${when}\n`);
  await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
  return child;
}

const own = (one: (typeof slots)[number]) =>
  supplier.keys.filter(
    (key) => key === one.slot.old || key.label.includes(`-${one.reference.toLowerCase()}-`),
  );

/** Those that nobody has anything left to do for. */
const over = new Set<Id>();

/** The places' owners do what they are asked; whoever wants to go back, goes back. */
async function people(): Promise<void> {
  world.clock.advance(Date.now() - world.clock.now());
  for (const one of slots) {
    if (over.has(one.id)) continue;
    const view = await scene.view(one.id);
    if (view.state === one.goal) over.add(one.id);
    const lost = view.issues.find(({ state }) => state === 'unknown');
    if (lost && view.new === null && one.slot.old.live === false) {
      // What was made is at the supplier under its label; its value is nowhere. Another one is made there in its place.
      const gone = supplier.keys.find(({ label, live }) => live && label === lost.label)!;
      const made = supplier.roll(gone, `by hand -${one.reference.toLowerCase()}- ${gone.id}`);
      expectOk(await scene.words.enterVersion(one.id, { supplierId: made.id, value: made.value }, BY));
      continue;
    }
    const back = view.state === 'rolling_back';
    if (!back && view.state !== 'propagating') continue;
    const asked = await scene.waitsFor(back ? view.rollBackRunId : view.runId);
    for (const place of view.places) {
      if (!asked.some(({ item, state }) => item === place.locationId && state === 'parked')) continue;
      if (back ? place.holds === 'new' : place.holds !== 'new' && place.answer === null)
        await scene.words.answerPlace(
          one.id,
          place.locationId,
          { state: back ? 'taken_back' : 'holds_new', note: '' },
          BY,
        );
    }
  }
}

type Preset = 'issuing' | 'rolling';

async function opened(name: string, preset: Preset, overlapMinutes = 0): Promise<(typeof slots)[number]> {
  world.clock.advance(Date.now() - world.clock.now());
  const slot = await scene.slot(partyId, preset);
  await scene.location(slot, 'owner_statement');
  const id = await scene.start(slot, preset === 'issuing' ? { overlapMinutes } : {});
  const { reference } = await scene.view(id);
  const one = { slot, id, reference, name, goal: 'done' as 'done' | 'rolled_back' };
  slots.push(one);
  return one;
}

async function dead(child: ChildProcess, what: string): Promise<void> {
  await until(
    async () => {
      if (child.exitCode !== null || child.signalCode !== null) return true;
      await people();
      return false;
    },
    `the worker to die: ${what}`,
    90_000,
    200,
  );
  expect(child.signalCode).toBe('SIGKILL');
}

const watch = () => {
  for (const one of slots) if (!own(one).some(({ live }) => live)) dark.push(one.name);
};

/** Dies before and after the commit of each state in turn, each time over a rotation of its own. */
async function diesAtEach(states: readonly string[], preset: Preset): Promise<void> {
  for (const state of states) {
    for (const when of ['before', 'after'] as const) {
      if (state === 'planned' && when === 'before') continue;
      const one = await opened(`${preset}: ${when} ${state}`, preset);
      await dead(await worker(one.id, state, when), one.name);
    }
  }
}

/** Dies as a request arrives, or when it is carried out and not answered yet. */
async function diesAtCalls(
  calls: readonly [AskedFor, 'onArrive' | 'onDone'][],
  preset: Preset,
): Promise<void> {
  for (const [kind, at] of calls) {
    const one = await opened(`${preset}: ${kind} ${at}`, preset);
    const child = await worker('-', '-', 'after');
    supplier[at] = (asked, key, label) => {
      watch();
      const mine = key !== null ? own(one).includes(key) : label.includes(`-${one.reference.toLowerCase()}-`);
      if (asked === kind && mine) child.kill('SIGKILL');
    };
    await dead(child, one.name);
    supplier[at] = watch;
  }
}

/** A last worker brings all of them to their end. */
async function broughtHome(): Promise<Map<Id, RotationView>> {
  const last = await worker('-', '-', 'after');
  const views = new Map<Id, RotationView>();
  await until(
    async () => {
      await people();
      for (const { id, goal } of slots)
        if (views.get(id)?.state !== goal) views.set(id, await scene.view(id));
      watch();
      return slots.every(({ id, goal }) => views.get(id)!.state === goal);
    },
    () =>
      JSON.stringify(
        slots
          .filter(({ id, goal }) => views.get(id)?.state !== goal)
          .map(({ id, name }) => [name, views.get(id)]),
        null,
        1,
      ),
    150_000,
    250,
  );
  last.kill('SIGTERM');
  await once(last, 'exit');
  return views;
}

/** One lives, and it is the one on record; nothing is open at the supplier, and the old one is where it belongs. */
async function expectNothingForgotten(one: (typeof slots)[number], view: RotationView): Promise<void> {
  const living = own(one).filter(({ live }) => live);
  expect([one.name, living.map(({ id }) => id)]).toEqual([
    one.name,
    [one.goal === 'done' ? view.new!.supplierId : one.slot.old.id],
  ]);
  expect(view.issues.filter(({ state }) => ['asked', 'unknown', 'orphaned'].includes(state))).toEqual([]);
  expect(one.goal === 'done' ? view.oldEnd : (view.oldEnd ?? 'none')).toBe(
    one.goal === 'done' ? 'proven_dead' : 'none',
  );
  const [phase] = await scene.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM credential_version WHERE credential_id = $1 AND phase = 'active'`,
    [one.slot.credentialId],
  );
  expect(phase).toEqual({ n: 1 });
}

async function onRecord(one: (typeof slots)[number]): Promise<string[]> {
  const rows = await scene.query<{ supplier_id: string }>(
    `SELECT supplier_id FROM credential_version WHERE credential_id = $1`,
    [one.slot.credentialId],
  );
  return rows.map((row) => row.supplier_id).sort();
}

test('killed at every boundary, resumed: never both dead, never an old one forgotten', async () => {
  await diesAtEach(
    ['planned', 'creating', 'stored', 'propagating', 'validating', 'overlap', 'revoking', 'proven', 'done'],
    'issuing',
  );
  await diesAtCalls(
    [
      ['issue', 'onArrive'],
      ['issue', 'onDone'],
      ['probe', 'onDone'],
      ['revoke', 'onArrive'],
      ['revoke', 'onDone'],
    ],
    'issuing',
  );
  // The same on the way back.
  for (const when of ['before', 'after', 'call'] as const) {
    const one = await opened(`rolled back, ${when}`, 'issuing', 600);
    one.goal = 'rolled_back';
    const first = await worker('-', '-', 'after');
    await until(async () => {
      await people();
      return (await scene.view(one.id)).state === 'overlap';
    }, `${one.name} to overlap`);
    first.kill('SIGKILL');
    expectOk(await scene.rotations.rollBack(one.id, { reason: 'back', by: BY }));
    const child =
      when === 'call' ? await worker('-', '-', 'after') : await worker(one.id, 'rolled_back', when);
    if (when === 'call')
      supplier.onDone = (asked, key) => {
        watch();
        if (asked === 'revoke' && key !== null && own(one).includes(key)) child.kill('SIGKILL');
      };
    await dead(child, one.name);
    supplier.onDone = watch;
  }
  const views = await broughtHome();
  expect(dark).toEqual([]);
  for (const one of slots) {
    await expectNothingForgotten(one, views.get(one.id)!);
    // Whatever was made is on record.
    expect([one.name, await onRecord(one)]).toEqual([
      one.name,
      own(one)
        .map(({ id }) => id)
        .sort(),
    ]);
  }
}, 1_200_000);

test('the same where the supplier replaces: what was lost with an answer is ended by the next one, by a person', async () => {
  await diesAtEach(
    ['planned', 'creating', 'stored', 'propagating', 'validating', 'revoking', 'proven', 'done'],
    'rolling',
  );
  await diesAtCalls(
    [
      ['replace', 'onArrive'],
      ['replace', 'onDone'],
      ['probe', 'onDone'],
    ],
    'rolling',
  );
  const views = await broughtHome();
  expect(dark).toEqual([]);
  // Where it happened and nobody knew: the value is gone for good, and a person was asked.
  const lost = slots.filter(({ id }) => views.get(id)!.issues.some(({ state }) => state === 'superseded'));
  expect(lost.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['rolling: before stored', 'rolling: replace onDone']),
  );
  for (const one of slots) {
    const view = views.get(one.id)!;
    await expectNothingForgotten(one, view);
    const known = await onRecord(one);
    const unknown = own(one).filter(({ id }) => !known.includes(id));
    // Nothing was asked for twice but where the old one had shown that nothing had happened.
    expect([one.name, unknown.map(({ live }) => live)]).toEqual([
      one.name,
      lost.includes(one) ? [false] : [],
    ]);
    expect(
      await scene.query(`SELECT FROM alert WHERE dedupe_key = $1`, [`perhaps-both-dead:${one.id}`]),
    ).toHaveLength(lost.includes(one) ? 1 : 0);
  }
}, 1_200_000);
