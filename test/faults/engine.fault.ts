import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import type { Action, StepAnswer, StepContext } from '../../src/domain/runbooks/action.ts';
import { definitionSchema } from '../../src/domain/runbooks/definition.schema.ts';
import { limitLanes } from '../../src/domain/runbooks/leases.queries.ts';
import { graphProblems, planOf } from '../../src/domain/runbooks/plan.rules.ts';
import { newId } from '../../src/kernel/ids.ts';
import type { Db } from '../../src/platform/database/transactions.ts';
import { CountSelector, engineWorld, STAFF, until, type EngineWorld } from '../support/engine.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

type Behaviour = (context: StepContext<{ as?: string }>) => StepAnswer | Promise<StepAnswer>;

/** An action whose behaviour a test scripts, and which remembers its calls. */
class Scripted implements Action<{ as?: string }> {
  readonly title = 'Scripted';
  readonly with = z.strictObject({ as: z.string().optional() });
  readonly calls: {
    step: string;
    key: string;
    attempt: number;
    takenOver: boolean;
    idempotencyKey: string;
    at: number;
  }[] = [];
  constructor(
    public behave: Behaviour = () => ({ answer: 'done' }),
    readonly name = 'scripted',
    readonly timeout = 10_000,
    readonly lease: 'short' | 'call' = 'short',
    readonly turns?: 'calls',
  ) {}
  async run(context: StepContext<{ as?: string }>): Promise<StepAnswer> {
    this.calls.push({
      step: context.with.as ?? '',
      key: context.item?.key ?? '',
      attempt: context.attempt,
      takenOver: context.takenOver,
      idempotencyKey: context.idempotencyKey,
      at: performance.now(),
    });
    return this.behave(context);
  }
}

let db: TestDatabase;
let world: EngineWorld;
beforeEach(async () => void (db = await cloneDatabase()));
afterEach(async () => {
  await world.close();
  await db.drop();
});

const ended = (runId: string) =>
  until(async () => {
    const [run] = await world.rows<{ state: string; open_nodes: number }>(
      `SELECT state, open_nodes FROM run WHERE id = $1 AND finished_at IS NOT NULL`,
      [runId],
    );
    return run;
  });
const inState = (runId: string, state: string) =>
  until(async () => {
    const rows = await world.rows<{ id: string; reason: string | null; item_key: string; step: string }>(
      `SELECT s.id, s.reason, s.item_key, n.step FROM step s JOIN run_node n USING (run_id, node) WHERE s.run_id = $1 AND s.state = $2`,
      [runId, state],
    );
    return rows.length > 0 && rows;
  });
const states = async (runId: string) =>
  Object.fromEntries(
    (
      await world.rows<{ name: string; state: string }>(
        `SELECT n.step || CASE WHEN s.item_key = '' THEN '' ELSE ':' || s.item_key END AS name, s.state FROM step s JOIN run_node n USING (run_id, node) WHERE s.run_id = $1 ORDER BY 1`,
        [runId],
      )
    ).map((row) => [row.name, row.state]),
  );

describe('what a run does', () => {
  test('5,000 steps finish, and steps, counters, events and ledger agree', async () => {
    world = await engineWorld(db.url);
    const runId = await world.run(
      `  - { id: begin, title: B, uses: no-op }
  - { id: each, title: E, uses: no-op, forEach: numbers, needs: [begin] }
  - { id: after, title: A, uses: no-op, forEach: numbers, needs: [each] }
  - { id: end, title: Z, uses: no-op, needs: [after] }
`,
      { count: 2499 },
    );
    expect(await ended(runId)).toEqual({ state: 'done', open_nodes: 0 });
    expect(
      await world.rows(`SELECT state, count(*)::int AS n FROM step WHERE run_id = $1 GROUP BY state`, [
        runId,
      ]),
    ).toEqual([{ state: 'done', n: 5000 }]);
    expect(
      await world.rows(
        `SELECT step, total, open, done, closed FROM run_node WHERE run_id = $1 ORDER BY node`,
        [runId],
      ),
    ).toEqual([
      { step: 'begin', total: 1, open: 0, done: 1, closed: true },
      { step: 'each', total: 2499, open: 0, done: 2499, closed: true },
      { step: 'after', total: 2499, open: 0, done: 2499, closed: true },
      { step: 'end', total: 1, open: 0, done: 1, closed: true },
    ]);
    expect(
      await world.rows(
        `SELECT count(*)::int AS n, max(attempt)::int AS attempts FROM step_event WHERE run_id = $1`,
        [runId],
      ),
    ).toEqual([{ n: 5000, attempts: 1 }]);
    expect(
      await world.rows(
        `SELECT l.kind, count(*)::int AS n FROM ledger_entry l JOIN step s ON s.id = l.subject_id WHERE s.run_id = $1 GROUP BY l.kind`,
        [runId],
      ),
    ).toEqual([{ kind: 'step.done', n: 5000 }]);
  });

  test('the riskiest runs first, before the last target is planned', async () => {
    let begun = () => {};
    const firstRan = new Promise<void>((resolve) => (begun = resolve));
    const action = new Scripted(async () => {
      begun();
      return { answer: 'done' };
    });
    // Planning goes on past its first page only once a step of that page has run.
    class Held extends CountSelector {
      override async page(db: Db, request: Parameters<CountSelector['page']>[1]) {
        if (request.cursor !== null) await firstRan;
        return super.page(db, request);
      }
    }
    world = await engineWorld(db.url, { actions: [action], selectors: [new Held('held')] });
    const runId = await world.run(`  - { id: each, title: E, uses: scripted, forEach: held }\n`, {
      count: 6000,
    });
    expect((await ended(runId)).state).toBe('done');
    expect(action.calls[0]!.key).toBe('n0');
    expect(new Set(action.calls.map((call) => call.key)).size).toBe(6000);
  });

  test('random graphs: every step runs once and none before what it needs', async () => {
    const action = new Scripted();
    const parentOf = (n: number) => ({ facts: { p: `n${n % 3}` } });
    world = await engineWorld(db.url, {
      actions: [action],
      selectors: [new CountSelector('x', parentOf, 'x'), new CountSelector('y', parentOf, 'y')],
    });
    const shapes = fc.array(
      fc.record({
        fan: fc.constantFrom(null, 'x', 'y'),
        needs: fc.array(fc.nat(7), { maxLength: 3 }),
        all: fc.boolean(),
        by: fc.boolean(),
      }),
      { minLength: 3, maxLength: 7 },
    );
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 0, max: 5 }), async (found, count) => {
        const steps = found.map((shape, i) => ({
          id: `s${i}`,
          title: 't',
          uses: 'scripted',
          with: { as: `s${i}` },
          ...(shape.fan ? { forEach: shape.fan } : {}),
          needs: [...new Set(shape.needs.map((n) => n % (i || 1)))]
            .filter((n) => n < i)
            .map((n) =>
              shape.fan && found[n]!.fan && shape.by && shape.fan !== found[n]!.fan
                ? { step: `s${n}`, by: 'p' }
                : { step: `s${n}`, all: shape.all },
            ),
        }));
        const definition = definitionSchema.parse({ id: 'r', title: 'R', version: 1, steps });
        fc.pre(graphProblems(definition).length === 0);
        tried += 1;
        action.calls.length = 0;
        const runId = await world.run(`${steps.map((step) => `  - ${JSON.stringify(step)}`).join('\n')}\n`, {
          x: count,
          y: 3,
        });
        expect(await ended(runId)).toEqual({ state: 'done', open_nodes: 0 });
        const plan = planOf(definition);
        const size = (fan: string | undefined) => (fan === 'x' ? count : fan === 'y' ? 3 : 1);
        expect(action.calls.length).toBe(plan.nodes.reduce((sum, node) => sum + size(node.step.forEach), 0));
        const at = new Map(action.calls.map((call, i) => [`${call.step}:${call.key}`, i]));
        expect(at.size).toBe(action.calls.length);
        for (const call of action.calls) {
          const node = plan.byId.get(call.step)!;
          for (const need of node.needs) {
            const other = plan.nodes[need.node]!;
            const keys =
              need.kind === 'item'
                ? [call.key]
                : need.kind === 'parent'
                  ? [`n${Number(call.key.slice(1)) % 3}`]
                  : [...at.keys()]
                      .filter((k) => k.startsWith(`${other.step.id}:`))
                      .map((k) => k.split(':')[1]!);
            for (const key of keys)
              expect(at.get(`${other.step.id}:${key}`) ?? -1).toBeLessThan(
                at.get(`${call.step}:${call.key}`)!,
              );
          }
        }
      }),
      { numRuns: 20 },
    );
    expect(tried).toBeGreaterThan(10);
  });

  test('planning goes on where a dead planner stopped', async () => {
    const action = new Scripted();
    world = await engineWorld(db.url, { actions: [action], start: false });
    const runId = await world.run(`  - { id: each, title: E, uses: scripted, forEach: numbers }\n`, {
      count: 1500,
    });
    expect((await world.parts.planner.work({ ahead: false })).moved).toBe(true);
    expect(
      await world.rows(`SELECT total, planned, cursor FROM run_node WHERE run_id = $1`, [runId]),
    ).toEqual([{ total: 100, planned: false, cursor: '100' }]);
    await world.close();
    world = await engineWorld(db.url, { actions: [action] });
    world.parts.engine.wake();
    expect((await ended(runId)).state).toBe('done');
    expect(action.calls.length).toBe(1500);
    expect(new Set(action.calls.map((call) => call.key)).size).toBe(1500);
  });

  test('a large fan-out rests between pages while there is enough to do, and holds up no other', async () => {
    world = await engineWorld(db.url, { actions: [new Scripted()], start: false });
    const { planner } = world.parts;
    const each = `  - { id: each, title: E, uses: scripted, forEach: numbers }\n`;
    await world.run(each, { count: 1500 });
    let rested = await planner.work({ ahead: true });
    for (let pages = 0; rested.moved && pages < 6; pages++) rested = await planner.work({ ahead: true });
    expect(rested).toEqual({ moved: false, rest: expect.any(Number) });
    const other = await world.run(each, { count: 3 });
    expect((await planner.work({ ahead: true })).moved).toBe(true);
    expect(await world.rows(`SELECT total FROM run_node WHERE run_id = $1`, [other])).toEqual([{ total: 3 }]);
    expect((await planner.work({ ahead: false })).moved).toBe(true);
  });

  test('outputs, conditions and values reach the steps that refer to them', async () => {
    const action = new Scripted((context) =>
      context.with.as === 'list'
        ? { answer: 'done', output: { things: ['a', 'b'], note: 'hello' } }
        : { answer: 'done', output: { said: `${context.with.as}` } },
    );
    world = await engineWorld(db.url, { actions: [action] });
    const runId = await world.run(
      `  - { id: list, title: L, uses: scripted, with: { as: list } }
  - { id: each, title: E, uses: scripted, needs: [list], forEach: $steps.list.output.things, with: { as: $steps.list.output.note } }
  - { id: only-b, title: B, uses: scripted, needs: [each], forEach: $steps.list.output.things, when: [{ fact: item.key, equals: b }], with: { as: $steps.each.output.said } }
`,
    );
    expect((await ended(runId)).state).toBe('done');
    expect(action.calls.map((call) => `${call.key}=${call.step}`).sort()).toEqual([
      '=list',
      'a=hello',
      'b=hello',
      'b=hello',
    ]);
    expect(await states(runId)).toMatchObject({ 'only-b:a': 'skipped', 'only-b:b': 'done' });
  });
});

describe('when steps fail', () => {
  test('retries back off, then the step is parked; another try finishes the run under a new idempotency key', async () => {
    let well = false;
    const action = new Scripted(() => (well ? { answer: 'done' } : { answer: 'retry', reason: '503' }));
    world = await engineWorld(db.url, { actions: [action] });
    const runId = await world.run(
      `  - { id: a, title: A, uses: scripted, retry: { attempts: 3, backoff: 1s } }\n  - { id: b, title: B, uses: no-op, needs: [a] }\n`,
    );
    const clock = world.clock as { at?: number };
    for (let tries = 1; tries <= 2; tries++) {
      await until(async () => action.calls.length === tries && (await inState(runId, 'waiting')));
      clock.at! += 10_000;
    }
    const [parked] = await inState(runId, 'parked');
    expect(parked!.reason).toBe('out of tries (3): 503');
    expect(
      await world.rows(`SELECT kind, otherwise, missed_at FROM deadline WHERE step_id = $1`, [parked!.id]),
    ).toEqual([{ kind: 'answer', otherwise: 'escalate', missed_at: null }]);
    well = true;
    expect(
      await world.db((d) =>
        world.parts.runs.retryStep(d, parked!.id, { reason: 'it is up again', by: STAFF }),
      ),
    ).toMatchObject({ ok: true });
    world.parts.engine.wake();
    expect((await ended(runId)).state).toBe('done');
    expect(action.calls.map((call) => call.idempotencyKey.split(':')[1])).toEqual(['1', '1', '1', '2']);
    expect(action.calls.map((call) => call.attempt)).toEqual([1, 2, 3, 1]);
  });

  test('halt holds back only what needs it; continue goes on; a fallback stands in; failing for good cancels what follows', async () => {
    const action = new Scripted((context) =>
      context.with.as === 'bad' && context.item?.key === 'n1'
        ? { answer: 'failed', reason: 'refused' }
        : { answer: 'done' },
    );
    world = await engineWorld(db.url, { actions: [action] });
    const runId = await world.run(
      `  - { id: halt, title: H, uses: scripted, with: { as: bad }, forEach: numbers }
  - { id: after-halt, title: H2, uses: no-op, forEach: numbers, needs: [halt] }
  - { id: cont, title: C, uses: scripted, with: { as: bad }, forEach: numbers, onFailure: continue }
  - { id: after-cont, title: C2, uses: no-op, forEach: numbers, needs: [cont] }
  - { id: back, title: F, uses: scripted, with: { as: bad }, forEach: numbers, onFailure: { fallback: plan-b } }
  - { id: plan-b, title: P, uses: scripted, with: { as: plan-b }, forEach: numbers }
  - { id: after-back, title: F2, uses: no-op, forEach: numbers, needs: [back] }
  - { id: end, title: Z, uses: no-op, needs: [after-halt, after-cont, after-back] }
`,
      { count: 3 },
    );
    const [parked] = await inState(runId, 'parked');
    await until(async () => (await states(runId))['after-back:n1'] === 'done');
    expect(parked).toMatchObject({ step: 'halt', item_key: 'n1', reason: 'refused' });
    expect(await states(runId)).toMatchObject({
      'after-halt:n0': 'done',
      'after-halt:n1': 'pending',
      'after-halt:n2': 'done',
      'cont:n1': 'failed',
      'after-cont:n1': 'done',
      'back:n1': 'failed',
      'plan-b:n1': 'done',
      'after-back:n1': 'done',
      end: 'pending',
    });
    expect(action.calls.filter((call) => call.step === 'plan-b')).toHaveLength(1);
    await world.db((d) =>
      world.parts.runs.settle(d, parked!.id, { answer: 'failed', reason: 'cannot be done' }, STAFF),
    );
    world.parts.engine.wake();
    expect(await ended(runId)).toEqual({ state: 'failed', open_nodes: 0 });
    expect(await states(runId)).toMatchObject({
      'halt:n1': 'failed',
      'after-halt:n1': 'cancelled',
      end: 'cancelled',
    });
  });

  test('no answer in time, or an exception, leaves the outcome unknown, and the next call is told to probe', async () => {
    const action = new Scripted(
      (context) => (context.takenOver ? { answer: 'done' } : new Promise(() => {})),
      'slow',
      60,
    );
    const broken = new Scripted((context) => {
      if (context.takenOver) return { answer: 'done' };
      throw new Error('socket hang up');
    }, 'broken');
    world = await engineWorld(db.url, { actions: [action, broken] });
    const runId = await world.run(
      `  - { id: a, title: A, uses: slow }\n  - { id: b, title: B, uses: broken }\n`,
    );
    await until(async () => (await inState(runId, 'unknown')).length === 2);
    expect((await inState(runId, 'unknown')).map((row) => `${row.reason}`).sort()).toEqual([
      'Error: socket hang up',
      'no answer within 60 ms',
    ]);
    (world.clock as { at?: number }).at! += 60_000;
    expect((await ended(runId)).state).toBe('done');
    expect(action.calls.map((call) => call.takenOver)).toEqual([false, true]);
    expect(broken.calls.map((call) => call.takenOver)).toEqual([false, true]);
  });

  test('a text that Postgres refuses, from one step, costs the others nothing', async () => {
    const action = new Scripted((context) =>
      context.item?.key === 'n1'
        ? { answer: 'done', output: { said: 'a\u0000b\ud800' }, note: '\u0000' }
        : { answer: 'done' },
    );
    world = await engineWorld(db.url, { actions: [action] });
    const runId = await world.run(`  - { id: a, title: A, uses: scripted, forEach: numbers }\n`, {
      count: 20,
    });
    expect((await ended(runId)).state).toBe('done');
    expect(action.calls).toHaveLength(20);
    expect(
      await world.rows(`SELECT output FROM step WHERE run_id = $1 AND output IS NOT NULL`, [runId]),
    ).toEqual([{ output: { said: 'ab\ufffd' } }]);
  });

  test('a selector that fails is tried again, and stops no other run', async () => {
    let broken = true;
    const bad = new CountSelector('bad');
    const page = bad.page.bind(bad);
    bad.page = async (...given) => {
      if (broken) throw new Error('no such column');
      return page(...given);
    };
    world = await engineWorld(db.url, { selectors: [bad] });
    const stuck = await world.run(`  - { id: a, title: A, uses: no-op, forEach: bad }\n`, { count: 3 });
    const fine = await world.run(`  - { id: a, title: A, uses: no-op, forEach: numbers }\n`, { count: 3 });
    expect((await ended(fine)).state).toBe('done');
    broken = false;
    expect((await ended(stuck)).state).toBe('done');
  });

  test('an answer with a stale fence is evidence and changes nothing', async () => {
    let release = () => {};
    const action = new Scripted((context) =>
      context.takenOver
        ? { answer: 'failed', reason: 'second opinion' }
        : new Promise(
            (resolve) => (release = () => resolve({ answer: 'done', output: { by: 'the late one' } })),
          ),
    );
    world = await engineWorld(db.url, { actions: [action] });
    const runId = await world.run(`  - { id: a, title: A, uses: scripted }\n`);
    const [running] = await inState(runId, 'running');
    // What a peer does once this worker's lease has run out.
    await world.db((d) =>
      d.query(`UPDATE step SET state = 'ready', taken_over = true WHERE id = $1`, [running!.id]),
    );
    world.parts.engine.wake();
    await inState(runId, 'parked');
    release();
    const [stale] = await until(async () => {
      const rows = await world.rows<{ state: string; fence: number }>(
        `SELECT state, fence FROM step_event WHERE step_id = $1 AND kind = 'stale-answer'`,
        [running!.id],
      );
      return rows.length > 0 && rows;
    });
    expect(stale).toEqual({ state: 'done', fence: 1 });
    expect(
      await world.rows(`SELECT state, reason, output, fence FROM step WHERE id = $1`, [running!.id]),
    ).toEqual([{ state: 'parked', reason: 'second opinion', output: null, fence: 2 }]);
  });
});

describe('suppliers', () => {
  test('one that hangs holds up only its own lane', async () => {
    const action = new Scripted(
      (context) => (context.item?.lane === 'lane-0' ? new Promise(() => {}) : { answer: 'done' }),
      'scripted',
      60_000,
    );
    world = await engineWorld(db.url, {
      actions: [action],
      selectors: [new CountSelector('laned', (n) => ({ lane: `lane-${n % 10}` }))],
    });
    const runId = await world.run(`  - { id: a, title: A, uses: scripted, forEach: laned }\n`, {
      count: 1000,
    });
    await until(async () => {
      const [row] = await world.rows<{ n: number }>(
        `SELECT count(*)::int AS n FROM step WHERE run_id = $1 AND state = 'done'`,
        [runId],
      );
      return row!.n === 900;
    });
    const held = await world.rows<{ lane: string; n: number }>(
      `SELECT lane, count(*)::int AS n FROM step WHERE run_id = $1 AND state = 'running' GROUP BY lane`,
      [runId],
    );
    expect(held).toEqual([{ lane: 'lane-0', n: 32 }]);
  });

  describe('a width', () => {
    let [now, most] = [0, 0];
    const called = async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 10));
      now -= 1;
    };
    const pause = () => new Promise((resolve) => setTimeout(resolve, 40));
    const actions = [
      new Scripted(
        async ({ turn }) => {
          await pause();
          await turn(called);
          await pause();
          return { answer: 'done' };
        },
        'calling',
        10_000,
        'short',
        'calls',
      ),
      new Scripted(async () => (await called(), { answer: 'done' }), 'whole', 10_000, 'call'),
    ];
    const running = async () => {
      const [row] = await world.rows<{ n: number }>(
        `SELECT count(*)::int AS n FROM step WHERE state = 'running'`,
      );
      return row!.n;
    };
    const start = async (uses: string, count: number) =>
      world.run(`  - { id: a, title: A, uses: ${uses}, forEach: wide }\n`, { count });
    beforeEach(async () => {
      [now, most] = [0, 0];
      world = await engineWorld(db.url, {
        actions,
        selectors: [new CountSelector('wide', () => ({ lane: 'wide' }))],
      });
      await world.db((d) => limitLanes(d, [{ key: 'wide', concurrency: 3, perSecond: null }]));
    });

    test('is of calls: a step whose call has ended, or is yet to come, holds nobody up', async () => {
      const runs = [await start('calling', 80), await start('whole', 80), await start('calling', 80)];
      const more = until(async () => {
        const n = await running();
        return n > 3 && n;
      });
      for (const run of runs) expect((await ended(run)).state).toBe('done');
      expect(await more).toBeGreaterThan(3);
      expect(most).toBe(3);
    });

    test('is shared with another process, which has a step of the lane in hand', async () => {
      const peer = newId();
      await world.rows(
        `INSERT INTO engine_worker (id, name, started_at, lease_until) VALUES ($1, 'peer', clock_timestamp(), clock_timestamp() + interval '1 hour')`,
        [peer],
      );
      const first = await start('calling', 1);
      await ended(first);
      await world.rows(
        `UPDATE step SET state = 'running', worker = $2, fence = fence + 1 WHERE run_id = $1`,
        [first, peer],
      );
      expect((await ended(await start('calling', 30))).state).toBe('done');
      expect(most).toBe(2);
    });
  });

  test('a rate is used up and never exceeded in any second, a width never either', async () => {
    let now = 0;
    let most = 0;
    const action = new Scripted(async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now -= 1;
      return { answer: 'done' };
    });
    world = await engineWorld(db.url, {
      actions: [action],
      selectors: [new CountSelector('paced', () => ({ lane: 'paced' }))],
    });
    await world.db((d) => limitLanes(d, [{ key: 'paced', concurrency: 3, perSecond: 50 }]));
    const runId = await world.run(`  - { id: a, title: A, uses: scripted, forEach: paced }\n`, {
      count: 120,
    });
    expect((await ended(runId)).state).toBe('done');
    const at = action.calls.map((call) => call.at).sort((a, b) => a - b);
    const worst = Math.max(...at.map((start) => at.filter((t) => t >= start && t < start + 1000).length));
    expect(worst).toBeLessThanOrEqual(50);
    expect(most).toBeLessThanOrEqual(3);
    expect(at).toHaveLength(120);
  });
});
