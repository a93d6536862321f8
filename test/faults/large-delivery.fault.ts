import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MatchingService } from '../../src/domain/exposures/matching.service.ts';
import { AcceptExposuresJob } from '../../src/domain/incidents/accept-exposures.job.ts';
import { RunsService } from '../../src/domain/runbooks/runs.service.ts';
import { StaleEnvelopesSweep } from '../../src/domain/exposures/stale-envelopes.sweep.ts';
import { system } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { LeakScene, REPORTS_KEY } from '../support/leak-scene.ts';

/** A delivery of more reports than one transaction takes: answered at once, filed riskiest first, none twice, none lost. */

const BY = system('test', 'test-correlation');
/** Reports that the first transaction takes. */
const FIRST = 25;
const KNOWN = 230;
const UNKNOWN = 20;
const REPORTS = KNOWN + UNKNOWN;

let world: TestApp;
let scene: LeakScene;
beforeEach(async () => {
  world = await startApp({ settings: { duties: { serves: true, works: false } } });
  scene = await LeakScene.set(world);
  await scene.source({ key: 'reports', kind: 'standard-webhooks', keys: [REPORTS_KEY] });
});
afterEach(() => world.close());

/** The known ones stand last, so that their place is not what brings them first. */
async function deliver(): Promise<string> {
  const integrationId = await scene.integration('Large');
  const known = await scene.credentials(integrationId, KNOWN, { authority: 'replace_first' });
  await scene.rows(
    `WITH ranked AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM credential WHERE integration_id = $1)
     UPDATE credential c SET risk = (ranked.n * 7) % 900 FROM ranked WHERE c.id = ranked.id`,
    [integrationId],
  );
  const unknown = Array.from({ length: UNKNOWN }, (_, n) => ({ value: `nobody-knows-this-${n}` }));
  const answer = await scene.signed(
    [...unknown, ...known].map(({ value }, n) => ({ ref: `large-${n}`, value })),
  );
  expect(answer).toMatchObject({ status: 202, body: { event: 'exposure.reported' } });
  expect(await scene.rows(`SELECT FROM exposure`)).toEqual([]);
  return (await scene.one<{ id: string }>(`SELECT id FROM exposure_batch WHERE reports_ref IS NOT NULL`)).id;
}

const handle = (batchId: string) =>
  world.app
    .get(AcceptExposuresJob)
    .handle({ batchId }, { by: BY, attempt: 1, signal: AbortSignal.timeout(60_000) });

/** The match fails from its nth call on, until it is given back. */
function matchFailsFrom(call: number): () => void {
  const matching = world.app.get(MatchingService);
  const real = matching.match.bind(matching);
  let calls = 0;
  matching.match = (...args) => (++calls >= call ? Promise.reject(new Error('it is away')) : real(...args));
  return () => (matching.match = real);
}

test('a job that fails behind the first portion leaves the riskiest in work, and goes on there', async () => {
  const batchId = await deliver();
  const mend = matchFailsFrom(2);
  await expect(handle(batchId)).rejects.toThrow('it is away');
  const first = await scene.rows<{ risk: number }>(
    `SELECT c.risk FROM incident_credential x JOIN credential c ON c.id = x.credential_id WHERE x.run_id IS NOT NULL`,
  );
  const riskiest = await scene.rows<{ risk: number }>(
    `SELECT risk FROM credential ORDER BY risk DESC LIMIT ${FIRST}`,
  );
  expect(first).toHaveLength(FIRST);
  expect(Math.min(...first.map(({ risk }) => risk))).toBe(riskiest.at(-1)!.risk);
  expect(await scene.rows(`SELECT FROM exposure`)).toHaveLength(FIRST);
  mend();
  await Promise.all([handle(batchId), handle(batchId), handle(batchId)]);
  expect(
    await scene.one(
      `SELECT (SELECT count(*)::int FROM exposure WHERE state = 'accepted') AS accepted,
              (SELECT count(*)::int FROM exposure WHERE state = 'triage') AS triage,
              (SELECT count(*)::int FROM ledger_entry WHERE kind = 'exposure.reported') AS reported,
              (SELECT count(*)::int FROM ledger_entry WHERE kind = 'exposure.accepted') AS entries,
              (SELECT count(*)::int FROM incident) AS incidents, (SELECT count(*)::int FROM incident_case) AS cases,
              (SELECT count(*)::int FROM run WHERE runbook = 'emergency-revocation') AS runs,
              (SELECT count(DISTINCT batch_id)::int FROM incident_credential) AS batches,
              (SELECT count(*)::int FROM instant WHERE kind = 'received') AS received,
              (SELECT count(*)::int FROM exposure_batch WHERE reports_ref IS NOT NULL) AS waiting,
              (SELECT count(*)::int FROM sealed_secret WHERE bound_to LIKE 'exposure_batch:%' AND ciphertext IS NOT NULL) AS sealed`,
    ),
  ).toEqual({
    accepted: KNOWN,
    triage: UNKNOWN,
    reported: REPORTS,
    entries: KNOWN,
    incidents: 1,
    cases: 1,
    runs: 1,
    batches: 1,
    received: 2,
    waiting: 0,
    sealed: 0,
  });
  expect(await scene.one(`SELECT title FROM incident`)).toEqual({
    title: expect.stringContaining(`and ${KNOWN - 1} more`),
  });
});

test('the run that the first portion started has a step for every credential of the last', async () => {
  const batchId = await deliver();
  const worker = await startApp({ database: world.database });
  try {
    const after = LeakScene.over(worker);
    const steps = () =>
      after.rows<{ n: number; runs: number }>(
        `SELECT count(DISTINCT s.item_key)::int AS n, count(DISTINCT s.run_id)::int AS runs FROM step s
           JOIN run_node n ON n.run_id = s.run_id AND n.node = s.node AND n.step = 'replace' AND n.planned`,
      );
    let seen = '';
    const planned = async () => {
      const [row] = await steps();
      const due = await after.rows(
        `SELECT job, attempts, due_at, again_at, last_error FROM outbox
          WHERE done_at IS NULL AND failed_at IS NULL AND attempts > 0 LIMIT 5`,
      );
      seen = `all planned; now ${JSON.stringify(row)}, waiting ${JSON.stringify(due)}`;
      return row!.n === KNOWN;
    };
    await until(planned, () => seen, 60_000);
    expect(await steps()).toEqual([{ n: KNOWN, runs: 1 }]);
    expect(
      await after.rows(`SELECT FROM exposure_batch WHERE id = $1 AND reports_ref IS NULL`, [batchId]),
    ).toHaveLength(1);
  } finally {
    await worker.close();
  }
});

test('a run that somebody cancelled meanwhile stays cancelled: what comes later has a run of its own', async () => {
  const batchId = await deliver();
  const mend = matchFailsFrom(2);
  await expect(handle(batchId)).rejects.toThrow('it is away');
  const [run] = await scene.rows<{ id: string }>(`SELECT id FROM run WHERE runbook = 'emergency-revocation'`);
  await scene.work((db) =>
    world.app.get(RunsService).cancelRun(db, run!.id, { reason: 'not these', by: BY }),
  );
  mend();
  await handle(batchId);
  const batches = await scene.rows<{ run_id: string; n: number }>(
    `SELECT run_id, count(*)::int AS n FROM incident_credential GROUP BY batch_id, run_id ORDER BY n`,
  );
  expect(batches).toEqual([
    { run_id: run!.id, n: FIRST },
    { run_id: expect.not.stringMatching(run!.id), n: KNOWN - FIRST },
  ]);
});

test('what nobody could file for a week is destroyed, and said', async () => {
  const batchId = await deliver();
  world.clock.advance(8 * ELAPSED_DAY);
  await world.app.get(StaleEnvelopesSweep).sweep(BY);
  expect(
    await scene.rows(
      `SELECT FROM sealed_secret WHERE bound_to LIKE 'exposure_batch:%' AND ciphertext IS NOT NULL`,
    ),
  ).toEqual([]);
  expect(
    await scene.one(`SELECT severity, subject_id FROM alert WHERE kind = 'intake.reports-lost'`),
  ).toEqual({
    severity: 'critical',
    subject_id: batchId,
  });
});
