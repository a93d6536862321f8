import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Action } from '../../src/domain/runbooks/action.ts';
import { Refused } from '../../src/kernel/errors.ts';
import { newId } from '../../src/kernel/ids.ts';
import type { Principal, Role } from '../../src/kernel/principal.ts';
import { HOUR, MINUTE } from '../../src/kernel/time.ts';
import {
  deadlinePassed,
  runFinished,
  stepParked,
  stepSettled,
  stepStalled,
} from '../../src/domain/runbooks/runs.events.ts';
import { defineJob, withdrawJob } from '../../src/platform/outbox/definitions.ts';
import { engineWorld, HandClock, STAFF, until, type EngineWorld } from '../support/engine.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

// Higher folders react to these in the same way: by a job that lists the event.
const heard = [stepSettled, stepParked, stepStalled, deadlinePassed, runFinished].map((event) =>
  defineJob({
    name: `test.${event.name}`,
    queue: 'engine',
    payload: z.unknown(),
    retry: { attempts: 1, backoff: 1000 },
    on: [event as never],
  }),
);
const toldOf = async (event: { name: string }) =>
  (
    await world.rows<{ payload: Record<string, unknown> }>(
      `SELECT payload FROM outbox WHERE job = $1 ORDER BY created_at, id`,
      [`test.${event.name}`],
    )
  ).map((row) => row.payload);

let db: TestDatabase;
let world: EngineWorld;
let clock: HandClock;
beforeEach(async () => {
  db = await cloneDatabase();
  clock = new HandClock();
});
afterAll(() => heard.forEach(withdrawJob));
afterEach(async () => {
  await world.close();
  await db.drop();
});

const person = (...roles: Role[]): Principal => ({ ...STAFF, id: newId(), personId: newId(), roles });
const effects: string[] = [];
const act: Action = {
  name: 'act',
  title: 'Act',
  with: z.object({}),
  lease: 'short',
  timeout: 1000,
  run: async (context) => {
    effects.push(context.stepId);
    return { answer: 'done' };
  },
};

interface Row {
  id: string;
  step: string;
  state: string;
  output: Record<string, unknown> | null;
  reason: string | null;
}
const stepsOf = (runId: string) =>
  world.rows<Row>(
    `SELECT s.id, n.step, s.state, s.output, s.reason FROM step s JOIN run_node n USING (run_id, node) WHERE s.run_id = $1 ORDER BY s.node, s.item_key`,
    [runId],
  );
const step = async (runId: string, name: string, state: string) =>
  until(async () => (await stepsOf(runId)).find((row) => row.step === name && row.state === state));
const ended = (runId: string) =>
  until(
    async () =>
      (
        await world.rows<{ state: string }>(
          `SELECT state FROM run WHERE id = $1 AND finished_at IS NOT NULL`,
          [runId],
        )
      )[0]?.state,
  );
const eventsOf = (id: string) =>
  world.rows<{ kind: string; reason: string | null }>(
    `SELECT kind, reason FROM step_event WHERE step_id = $1 ORDER BY n`,
    [id],
  );
const look = async () => {
  await world.parts.engine.settle();
};

const APPROVED = (
  otherwise: string,
) => `  - { id: revoke, title: Revoke, uses: act, owner: responder, approval: { roles: [responder], quorum: 2, within: 30m, otherwise: ${otherwise} } }
  - { id: tell, title: Tell, uses: no-op, needs: [revoke] }
`;

describe('approval', () => {
  test('two people other than the requester let it run; the requester, a stranger and a second vote are refused', async () => {
    world = await engineWorld(db.url, { actions: [act], clock });
    effects.length = 0;
    const runId = await world.run(APPROVED('escalate'));
    const { id } = await step(runId, 'revoke', 'parked');
    const approve = (by: Principal) =>
      world.db((d) => world.parts.runs.approve(d, id, { decision: 'approve' }, by));
    const [one, two] = [person('responder'), person('admin')];
    expect(await approve(STAFF)).toMatchObject({ ok: false, error: { code: 'approval-own-request' } });
    expect(await approve(person('auditor'))).toMatchObject({ ok: false, error: { code: 'approval-role' } });
    expect(await approve(one)).toEqual({ ok: true, value: { late: false } });
    expect(await approve(one)).toMatchObject({ ok: false, error: { code: 'approval-decided' } });
    expect(effects).toEqual([]);
    expect(await world.db((d) => world.parts.runs.settle(d, id, { answer: 'done' }, one))).toMatchObject({
      ok: false,
      error: { code: 'step-needs-approval' },
    });
    expect(await approve(two)).toEqual({ ok: true, value: { late: false } });
    world.parts.engine.wake();
    expect(await ended(runId)).toBe('done');
    expect(effects).toEqual([id]);
    // A third word comes too late: it is on record, and changes nothing.
    expect(await approve(person('responder'))).toEqual({ ok: true, value: { late: true } });
    expect((await eventsOf(id)).map((event) => event.kind)).toContain('late-answer');
    const kinds = await world.rows<{ kind: string }>(
      `SELECT kind FROM ledger_entry WHERE subject_id = $1 ORDER BY n`,
      [id],
    );
    expect(kinds.map((row) => row.kind)).toEqual([
      'step.parked',
      'step.approved',
      'step.approved',
      'step.done',
      'step.late-answer',
    ]);
  });

  test('silence until the time is up: acts where the terms say so', async () => {
    world = await engineWorld(db.url, { actions: [act], clock });
    effects.length = 0;
    const runId = await world.run(APPROVED('act'));
    const { id } = await step(runId, 'revoke', 'parked');
    clock.at += 29 * MINUTE;
    await look();
    expect(effects).toEqual([]);
    clock.at += 2 * MINUTE;
    await look();
    expect(await ended(runId)).toBe('done');
    expect(effects).toEqual([id]);
    expect((await eventsOf(id)).map((event) => event.kind)).toEqual(
      expect.arrayContaining(['deadline-missed', 'approval-lapsed']),
    );
  });

  test('silence until the time is up: escalates where they say so, misses once, and a late yes never erases the miss', async () => {
    world = await engineWorld(db.url, { actions: [act], clock });
    effects.length = 0;
    const runId = await world.run(APPROVED('escalate').replace('quorum: 2', 'quorum: 1'));
    const { id } = await step(runId, 'revoke', 'parked');
    clock.at += 31 * MINUTE;
    await look();
    await look();
    const misses = () =>
      world.rows<{ kind: string; missed: boolean; met: boolean }>(
        `SELECT kind, missed_at IS NOT NULL AS missed, met_at IS NOT NULL AS met FROM deadline WHERE step_id = $1`,
        [id],
      );
    expect(await misses()).toEqual([{ kind: 'approval', missed: true, met: false }]);
    expect((await eventsOf(id)).filter((event) => event.kind === 'deadline-missed')).toHaveLength(1);
    expect(effects).toEqual([]);
    await world.db((d) => world.parts.runs.approve(d, id, { decision: 'approve' }, person('responder')));
    world.parts.engine.wake();
    expect(await ended(runId)).toBe('done');
    expect(await misses()).toEqual([{ kind: 'approval', missed: true, met: true }]);
    await expect(
      world.db((d) => d.query(`UPDATE deadline SET missed_at = NULL WHERE step_id = $1`, [id])),
    ).rejects.toThrow(/stays missed/);
  });

  test('one rejection ends it, and what depended on it is cancelled', async () => {
    world = await engineWorld(db.url, { actions: [act], clock });
    effects.length = 0;
    const runId = await world.run(APPROVED('act'));
    const { id } = await step(runId, 'revoke', 'parked');
    await world.db((d) =>
      world.parts.runs.approve(d, id, { decision: 'reject', note: 'wrong credential' }, person('responder')),
    );
    expect(await ended(runId)).toBe('failed');
    expect((await stepsOf(runId)).map((row) => row.state)).toEqual(['failed', 'cancelled']);
    expect(effects).toEqual([]);
  });
});

test('higher folders are told: steps that ended in groups, each that needs a person by itself, and the end', async () => {
  expect(heard).toHaveLength(5);
  world = await engineWorld(db.url, { clock });
  const runId = await world.run(
    `  - { id: each, title: E, uses: no-op, forEach: numbers }\n  - { id: ask, title: A, uses: manual-task, with: { what: x }, owner: responder, dueWithin: 4h, needs: [each] }\n`,
    { count: 400 },
  );
  const ask = await step(runId, 'ask', 'parked');
  const settled = (await toldOf(stepSettled)) as {
    runId: string;
    steps: { stepId: string; state: string }[];
  }[];
  expect(settled.flatMap((event) => event.steps)).toHaveLength(400);
  expect(settled.length).toBeLessThan(60);
  expect(settled.every((event) => event.steps.length <= 50 && event.runId === runId)).toBe(true);
  expect(await toldOf(stepParked)).toMatchObject([{ stepId: ask.id, step: 'ask', ownerRole: 'responder' }]);
  clock.at += 5 * HOUR;
  await look();
  await world.parts.engine.flagStalled();
  expect(await toldOf(deadlinePassed)).toMatchObject([{ stepId: ask.id, kind: 'missed' }]);
  expect(await toldOf(stepStalled)).toMatchObject([{ runId, stepIds: [ask.id] }]);
  await world.db((d) => world.parts.runs.skipStep(d, ask.id, { reason: 'enough', by: STAFF }));
  expect(await ended(runId)).toBe('done');
  expect(await toldOf(runFinished)).toMatchObject([{ runId, state: 'done', subject: { kind: 'incident' } }]);
});

describe('tasks, waits and acts', () => {
  test('a task waits for its person with owner and deadline; warned, missed, then settled, all on record', async () => {
    world = await engineWorld(db.url, { clock });
    const runId = await world.run(
      `  - { id: replace, title: R, uses: manual-task, with: { what: Issue a new key }, owner: responder, warnAfter: 1h, dueWithin: 4h }\n`,
    );
    const { id } = await step(runId, 'replace', 'parked');
    expect(await world.rows(`SELECT owner_role, for_what FROM step WHERE id = $1`, [id])).toEqual([
      { owner_role: 'responder', for_what: 'Issue a new key' },
    ]);
    clock.at += HOUR;
    await look();
    clock.at += 3 * HOUR;
    await look();
    await world.parts.engine.flagStalled();
    expect(
      await world.rows(`SELECT stalled_at IS NOT NULL AS stalled FROM step WHERE id = $1`, [id]),
    ).toEqual([{ stalled: true }]);
    expect((await eventsOf(id)).map((event) => event.kind)).toEqual([
      'answer',
      'deadline-warned',
      'deadline-missed',
    ]);
    const by = person('responder');
    expect(
      await world.db((d) =>
        world.parts.runs.settle(d, id, { answer: 'done', output: { version: 'v2' }, note: 'issued' }, by),
      ),
    ).toEqual({ ok: true, value: { late: false } });
    expect(await ended(runId)).toBe('done');
    expect((await stepsOf(runId))[0]).toMatchObject({ state: 'done', output: { version: 'v2' } });
    const [entry] = await world.rows<{ body: string }>(
      `SELECT body FROM ledger_entry WHERE subject_id = $1 AND kind = 'step.settled'`,
      [id],
    );
    expect(entry!.body).not.toContain('issued');
    expect(await world.rows(`SELECT stalled_at FROM step WHERE id = $1`, [id])).toEqual([
      { stalled_at: null },
    ]);
  });

  test('a wait counts from when it became ready, over every call', async () => {
    world = await engineWorld(db.url, { clock });
    const runId = await world.run(
      `  - { id: pause, title: P, uses: wait, with: { for: 2h }, owner: responder, dueWithin: 3h }\n`,
    );
    await step(runId, 'pause', 'waiting');
    clock.at += 2 * HOUR - 1;
    await look();
    await step(runId, 'pause', 'waiting');
    clock.at += 1;
    expect(await ended(runId)).toBe('done');
  });

  test('skipping goes on without a step, even one that has not started; cancelling ends everything and compensates what was done', async () => {
    world = await engineWorld(db.url, { actions: [act], clock });
    effects.length = 0;
    const runId = await world.run(
      `  - { id: open, title: O, uses: no-op, compensate: close }
  - { id: close, title: C, uses: act }
  - { id: ask, title: A, uses: manual-task, with: { what: x }, owner: responder, dueWithin: 4h, needs: [open] }
  - { id: ask-more, title: M, uses: manual-task, with: { what: y }, owner: responder, dueWithin: 4h, needs: [ask] }
  - { id: end, title: E, uses: no-op, needs: [ask-more] }
`,
    );
    const ask = await step(runId, 'ask', 'parked');
    const end = await step(runId, 'end', 'pending');
    expect(
      await world.db((d) => world.parts.runs.skipStep(d, end.id, { reason: 'not needed', by: STAFF })),
    ).toMatchObject({ ok: true });
    expect(
      await world.db((d) => world.parts.runs.skipStep(d, ask.id, { reason: 'done by phone', by: STAFF })),
    ).toMatchObject({ ok: true });
    world.parts.engine.wake();
    await step(runId, 'ask-more', 'parked');
    expect(
      await world.db((d) => world.parts.runs.cancelRun(d, runId, { reason: 'false alarm', by: STAFF })),
    ).toMatchObject({ ok: true });
    expect(
      await world.db((d) => world.parts.runs.cancelRun(d, runId, { reason: 'again', by: STAFF })),
    ).toMatchObject({ ok: false, error: { code: 'run-ended' } });
    world.parts.engine.wake();
    expect(await ended(runId)).toBe('cancelled');
    expect(Object.fromEntries((await stepsOf(runId)).map((row) => [row.step, row.state]))).toEqual({
      open: 'done',
      close: 'done',
      ask: 'skipped',
      'ask-more': 'cancelled',
      end: 'skipped',
    });
    expect(effects).toHaveLength(1);
    expect(
      await world.rows(`SELECT sum(open)::int AS open FROM run_node WHERE run_id = $1`, [runId]),
    ).toEqual([{ open: 0 }]);
  });

  test('a step added to a run belongs to it; one that cannot run here is refused by name', async () => {
    world = await engineWorld(db.url, { actions: [act], clock });
    effects.length = 0;
    const runId = await world.run(
      `  - { id: ask, title: A, uses: manual-task, with: { what: x }, owner: responder, dueWithin: 4h }\n`,
    );
    const ask = await step(runId, 'ask', 'parked');
    const add = (given: unknown) =>
      world.db((d) =>
        world.parts.runs.addStep(d, runId, given, { reason: 'we thought of it now', by: STAFF }),
      );
    expect(await add({ id: 'x', title: 'X', uses: 'explode' })).toMatchObject({
      ok: false,
      error: { code: 'step-invalid', fields: [{ field: '/uses' }] },
    });
    expect(await add({ id: 'x', title: 'X', uses: 'act', needs: ['ask'] })).toMatchObject({ ok: false });
    expect(await add({ id: 'x', title: 'X', uses: 'act' })).toMatchObject({ ok: true });
    world.parts.engine.wake();
    await step(runId, 'x-1', 'done');
    expect(effects).toHaveLength(1);
    await world.db((d) => world.parts.runs.settle(d, ask.id, { answer: 'done' }, STAFF));
    expect(await ended(runId)).toBe('done');
    expect(await add({ id: 'y', title: 'Y', uses: 'act' })).toMatchObject({
      ok: false,
      error: { code: 'run-ended' },
    });
  });

  test('a run keeps the definition that it started with', async () => {
    world = await engineWorld(db.url, { actions: [act], clock });
    effects.length = 0;
    const before = `  - { id: ask, title: A, uses: manual-task, with: { what: x }, owner: responder, dueWithin: 4h }\n  - { id: then, title: T, uses: no-op, needs: [ask] }\n`;
    const runId = await world.run(before);
    const ask = await step(runId, 'ask', 'parked');
    const read = world.parts.runbooks.read(
      `id: book-1\ntitle: Changed\nversion: 2\nsteps:\n  - { id: ask, title: A, uses: act }\n`,
      'book-1.yaml',
    );
    if ('problems' in read) throw new Error('unexpected');
    await world.parts.runbooks.add([{ ...read, file: 'book-1.yaml' }]);
    await world.close();
    world = await engineWorld(db.url, { actions: [act], clock });
    await world.db((d) => world.parts.runs.settle(d, ask.id, { answer: 'done' }, STAFF));
    expect(await ended(runId)).toBe('done');
    expect((await stepsOf(runId)).map((row) => row.step)).toEqual(['ask', 'then']);
    expect(effects).toEqual([]);
  });
});

test('a folder with a runbook that cannot run here is refused as a whole, each problem with file, line and mend', async () => {
  world = await engineWorld(db.url, { start: false });
  const folder = await mkdtemp(join(tmpdir(), 'countersign-runbooks-'));
  try {
    await writeFile(
      join(folder, 'good.yaml'),
      `id: good\ntitle: G\nversion: 1\nsteps:\n  - { id: a, title: A, uses: no-op }\n`,
    );
    await writeFile(
      join(folder, 'round.yaml'),
      `id: round\ntitle: R\nversion: 1\nsteps:\n  - { id: a, title: A, uses: no-op, needs: [b] }\n  - { id: b, title: B, uses: no-op, needs: [a] }\n`,
    );
    await writeFile(
      join(folder, 'wild.yaml'),
      `id: wild\ntitle: W\nversion: 1\nsteps:\n  - id: a\n    title: A\n    uses: explode\n`,
    );
    const refused = await world.parts.runbooks.load(folder).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(Refused);
    const { message } = (refused as Refused).refusal;
    expect(message).toMatch(
      /round\.yaml: step a, needs \(line 5\): steps need each other in a circle: a → b → a/,
    );
    expect(message).toMatch(
      /wild\.yaml: step a, uses \(line 7\): uses the action "explode", which is not installed.*Use one of: .*no-op/s,
    );
    expect(world.parts.runbooks.current('good')).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
