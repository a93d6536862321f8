import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { engineWorld, until, type EngineWorld } from '../support/engine.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

describe('the engine on its tables alone', () => {
  let db: TestDatabase;
  let world: EngineWorld;
  beforeAll(async () => void (db = await cloneDatabase()));
  afterEach(() => world.close());
  afterAll(() => db.drop());

  test('a run of 5,000 steps finishes, and every count agrees', async () => {
    world = await engineWorld(db.url);
    const runId = await world.run(
      `  - { id: begin, title: B, uses: no-op }
  - { id: each, title: E, uses: no-op, forEach: numbers, needs: [begin] }
  - { id: after, title: A, uses: no-op, forEach: numbers, needs: [each] }
  - { id: end, title: Z, uses: no-op, needs: [after] }
`,
      { count: 2499 },
    );
    const [run] = await until(async () => {
      const rows = await world.rows<{ state: string; open_nodes: number }>(`SELECT state, open_nodes FROM run WHERE id = $1 AND finished_at IS NOT NULL`, [runId]);
      return rows.length > 0 && rows;
    });
    expect(run).toEqual({ state: 'done', open_nodes: 0 });
    expect(await world.rows(`SELECT state, count(*)::int AS n, count(DISTINCT id)::int AS ids FROM step WHERE run_id = $1 GROUP BY state`, [runId])).toEqual([
      { state: 'done', n: 5000, ids: 5000 },
    ]);
    expect(await world.rows(`SELECT step, total, open, done, closed FROM run_node WHERE run_id = $1 ORDER BY node`, [runId])).toEqual([
      { step: 'begin', total: 1, open: 0, done: 1, closed: true },
      { step: 'each', total: 2499, open: 0, done: 2499, closed: true },
      { step: 'after', total: 2499, open: 0, done: 2499, closed: true },
      { step: 'end', total: 1, open: 0, done: 1, closed: true },
    ]);
    expect(await world.rows(`SELECT count(*)::int AS n, max(attempt)::int AS attempts FROM step_event e WHERE run_id = $1`, [runId])).toEqual([{ n: 5000, attempts: 1 }]);
  });
});
