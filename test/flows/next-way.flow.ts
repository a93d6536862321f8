import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RevocationService } from '../../src/domain/revocation/revocation.service.ts';
import { Runbooks } from '../../src/domain/runbooks/runbooks.service.ts';
import { RunsService } from '../../src/domain/runbooks/runs.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { MINUTE, SECOND } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { BY, RevocationScene, type KnownVersion } from '../support/revocation-scene.ts';
import { stepsOnce, type RunStep } from '../support/run-steps.ts';
import {
  ScriptedSupplier,
  sendgrid,
  type Asked,
  type Fault,
  type Issued,
} from '../support/scripted-supplier.ts';

/**
 * A path that cannot kill hands over to the next stopper: the second connection, else the person who was named; never
 * without a look between two requests, and never in silence.
 */

const RUNBOOK = `
id: stop-one
title: Stop one credential
version: 1
steps:
  - { id: revoke, title: Revoke, uses: revoke-version, with: { versionId: $input.versionId }, retry: { attempts: 4, backoff: 10ms, maxBackoff: 1s } }
  - { id: verify, title: Prove, uses: verify-dead, needs: [revoke], with: { versionId: $input.versionId }, retry: { attempts: 8, backoff: 2s, maxBackoff: 4s } }
`;

/** Tries without any trouble: enough for both doors to run out of theirs. */
const CALM = Array.from({ length: 10 }, () => ({
  door: 'first' as const,
  kind: 'any' as const,
  fault: null,
  died: false,
}));

let first: ScriptedSupplier;
let second: ScriptedSupplier;
let world: TestApp;
let scene: RevocationScene;
let partyId: Id;

beforeAll(async () => {
  // One count for both doors: which came first is never a matter of milliseconds.
  let arrived = 0;
  const count = () => (arrived += 1);
  first = await new ScriptedSupplier(sendgrid, count).start();
  second = await new ScriptedSupplier(sendgrid, count).start();
  world = await startApp({ config: { outboundAllow: [first.hostPort, second.hostPort], queue: 'off' } });
  scene = new RevocationScene(world.app);
  const runbooks = world.app.get(Runbooks);
  const read = runbooks.read(RUNBOOK, 'stop-one.yaml');
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  await runbooks.add([{ ...read, file: 'stop-one.yaml' }]);
  partyId = await scene.party();
});
beforeEach(() => {
  for (const supplier of [first, second]) {
    supplier.asked.length = 0;
    supplier.faults.length = 0;
    supplier.issued.length = 0;
  }
});
// A step that waits for a person must not be swept by the next test's clock.
afterEach(() => scene.query(`UPDATE alert SET handled_at = last_at WHERE handled_at IS NULL`));
afterAll(async () => {
  await world?.close();
  await first.stop();
  await second.stop();
});

interface Leak extends KnownVersion {
  issued: Issued;
  a: Id;
  b: Id | null;
  ann: Id | null;
}

/** One credential, known at two doors of the same supplier, and a person who can close it by hand. */
async function leak(
  o: { second?: boolean; person?: boolean; auth?: string; keepValue?: boolean } = {},
): Promise<Leak> {
  const auth = o.auth === undefined ? {} : { auth: { api_key: o.auth } };
  const a = await scene.connection(partyId, 'sendgrid', first, { canary: first.issue('canary'), ...auth });
  const b = o.second
    ? await scene.connection(partyId, 'sendgrid', second, { canary: second.issue('canary') })
    : null;
  const issued = first.issue(`leaked-${newId()}`);
  second.issued.push(issued);
  const known = await scene.version(partyId, a, issued, { keepValue: o.keepValue ?? true });
  const ann = o.person ? newId() : null;
  const now = world.clock.date();
  if (ann)
    await scene.query(
      `INSERT INTO contact (id, party_id, role, name, email, created_at, updated_at) VALUES ($1, $2, 'on_call', 'Ann Meyer', 'ann@supplier.example', $3, $3)`,
      [ann, partyId, now],
    );
  const ways = [a, b, ann].filter((way) => way !== null);
  for (const [ordinal, way] of ways.entries())
    await scene.query(
      `INSERT INTO revocation_path (id, credential_id, integration_id, ordinal, kind, connection_id, contact_id, party_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        newId(),
        known.credentialId,
        known.integrationId,
        ordinal,
        way === ann ? 'contact' : 'connector',
        way === ann ? null : way,
        way === ann ? ann : null,
        partyId,
      ],
    );
  return { ...known, issued, a, b, ann };
}

type Steps = Record<string, RunStep>;
const byName = (all: RunStep[]): Steps => Object.fromEntries(all.map((one) => [one.step, one]));

async function run(of: Leak): Promise<Id> {
  const { runId } = await scene.transactions.run(BY, (db) =>
    world.app.get(RunsService).start(db, {
      runbook: 'stop-one',
      subject: { kind: 'credential_version', id: of.versionId },
      input: { versionId: of.versionId },
      correlationId: newId(),
      by: BY,
    }),
  );
  return runId;
}

const until = async (runId: Id, reached: (steps: Steps) => boolean): Promise<Steps> =>
  byName(await stepsOnce(world, scene, runId, (all) => reached(byName(all))));
const parked = (step: string) => (steps: Steps) => steps[step]?.state === 'parked';
const done = (steps: Steps) => Object.values(steps).every(({ state }) => state === 'done');

const attempts = (of: Leak) =>
  scene.query<{ connection_id: Id | null; contact_id: Id | null; state: string; reason: string }>(
    `SELECT connection_id, contact_id, state, reason FROM path_attempt WHERE version_id = $1 ORDER BY began_at, number`,
    [of.versionId],
  );
const alerts = (of: Leak) =>
  scene.query<{ kind: string; occurrences: number; message: string }>(
    `SELECT kind, occurrences, message FROM alert WHERE subject_id = $1 ORDER BY first_at`,
    [of.versionId],
  );
/** What both doors saw of one credential, in the order of arrival. */
function seen(of: Leak): { door: string; kind: Asked['kind'] }[] {
  return [
    ...first.asked.map((one, at) => ({ ...one, door: 'first', nth: at })),
    ...second.asked.map((one, at) => ({ ...one, door: 'second', nth: at })),
  ]
    .filter((one) => one.name === of.issued.name)
    .sort((x, y) => x.at - y.at)
    .map(({ door, kind }) => ({ door, kind }));
}
function expectALookBetween(of: Leak): void {
  const kinds = seen(of).map(({ kind }) => kind);
  for (const [at, kind] of kinds.entries()) if (kind === 'revoke') expect(kinds[at + 1]).not.toBe('revoke');
}
const evidenceBy = async (of: Leak, connection: Id): Promise<number> =>
  (
    await scene.query<{ id: Id }>(
      `SELECT id FROM evidence WHERE version_id = $1 AND connection_id = $2 AND kind = 'revoke'`,
      [of.versionId, connection],
    )
  ).length;

describe('the second connection', () => {
  test('kills what the first answers with 500 for ever', async () => {
    const one = await leak({ second: true, person: true });
    first.goesWrong('server_error', 'revoke');
    const runId = await run(one);
    const steps = await until(runId, done);
    expect(one.issued.live).toBe(false);
    expect(await scene.facets(one.versionId)).toMatchObject({ revocation: 'accepted', liveness: 'dead' });
    // Its last try went to the handing over; then the second was asked, once, after a look of its own.
    expect(first.revokesOf(one.issued.name)).toBe(3);
    expect(second.revokesOf(one.issued.name)).toBe(1);
    expect(seen(one).find(({ door }) => door === 'second')?.kind).toBe('probe');
    expectALookBetween(one);
    expect(steps.revoke?.lane).toBe(`connection:${one.b}`);

    expect(await evidenceBy(one, one.a)).toBe(3);
    expect(await evidenceBy(one, one.b!)).toBe(1);
    expect(await attempts(one)).toEqual([
      expect.objectContaining({
        connection_id: one.a,
        state: 'gave_up',
        reason: expect.stringContaining('out of tries'),
      }),
      expect.objectContaining({ connection_id: one.b, state: 'accepted' }),
    ]);
    expect(await alerts(one)).toEqual([
      expect.objectContaining({ kind: 'revocation.path-gave-up', occurrences: 1 }),
    ]);
    expect(await scene.ledger(one.versionId)).toContain('revocation.path-gave-up');

    const shown = await world.app.inject({
      method: 'GET',
      url: `/api/v1/credentials/${one.credentialId}`,
      headers: { authorization: `Bearer ${await world.token('responder')}` },
    });
    const { stoppers } = shown.json<{ stoppers: { attempt: { state: string } | null }[] }>();
    expect(stoppers.map(({ attempt }) => attempt?.state ?? null)).toEqual(['gave_up', 'accepted', null]);
  });

  test('is tried after two refusals of our own authentication at the first', async () => {
    const one = await leak({ second: true, auth: 'an-old-admin-key-0123' });
    await until(await run(one), done);
    expect(first.revokesOf(one.issued.name)).toBe(2);
    expect(second.revokesOf(one.issued.name)).toBe(1);
    expectALookBetween(one);
    expect(await attempts(one)).toMatchObject([
      { connection_id: one.a, state: 'gave_up', reason: expect.stringContaining('authentication') },
      { connection_id: one.b, state: 'accepted' },
    ]);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'dead' });
  });

  test('looks first where the first did it and never said so, and does not ask again', async () => {
    const one = await leak({ second: true });
    first.goesWrong('lost', 'revoke', 1);
    first.goesWrong('server_error', 'probe');
    first.goesWrong('server_error', 'revoke');
    await until(await run(one), done);
    expect(second.revokesOf(one.issued.name)).toBe(0);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'dead' });
    expectALookBetween(one);
  });

  test('is tried when the first says yes time and again and does nothing', async () => {
    const one = await leak({ second: true });
    first.goesWrong('lying', 'revoke');
    await until(await run(one), done);
    expect(first.revokesOf(one.issued.name)).toBe(3);
    expect(second.revokesOf(one.issued.name)).toBe(1);
    expectALookBetween(one);
    expect(await attempts(one)).toMatchObject([
      { connection_id: one.a, state: 'gave_up', reason: expect.stringContaining('lives on') },
      { connection_id: one.b, state: 'accepted' },
    ]);
    expect(one.issued.live).toBe(false);
  });
});

describe('the person who was named', () => {
  test('gets the task when no machine is left, and what was done by hand is proven by machine', async () => {
    const one = await leak({ second: true, person: true });
    first.goesWrong('server_error', 'revoke');
    second.goesWrong('server_error', 'revoke');
    const runId = await run(one);
    const { revoke } = await until(runId, parked('revoke'));
    expect(revoke).toMatchObject({
      ownerContactId: one.ann,
      forWhat: expect.stringMatching(/^Revoke .* by hand/),
    });
    expect(await attempts(one)).toMatchObject([
      { connection_id: one.a, state: 'gave_up' },
      { connection_id: one.b, state: 'gave_up' },
      { contact_id: one.ann, state: 'asked' },
    ]);
    expectALookBetween(one);
    // One alert a connection, none that nobody is left.
    expect((await alerts(one)).map(({ kind }) => kind)).toEqual([
      'revocation.path-gave-up',
      'revocation.path-gave-up',
    ]);

    one.issued.live = false;
    const runs = world.app.get(RunsService);
    expectOk(
      await scene.transactions.run(BY, (db) =>
        runs.settle(db, revoke!.id, { answer: 'done', note: 'changed at the desk' }, BY),
      ),
    );
    await until(runId, done);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'dead' });
  });

  test('gets the task when the supplier only ever says yes, and what was done by hand is proven by machine', async () => {
    const one = await leak({ person: true });
    first.goesWrong('lying', 'revoke');
    const runId = await run(one);
    const { verify } = await until(runId, parked('verify'));
    expect(verify).toMatchObject({
      ownerContactId: one.ann,
      forWhat: expect.stringMatching(
        /^Revoke .* by hand: .* says that it did it, and the credential lives on/,
      ),
    });
    expect(await attempts(one)).toMatchObject([
      { connection_id: one.a, state: 'gave_up', reason: expect.stringContaining('lives on') },
      { contact_id: one.ann, state: 'asked' },
    ]);
    expect(await alerts(one)).toEqual([
      expect.objectContaining({ kind: 'revocation.path-gave-up', occurrences: 1 }),
    ]);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'live' });

    one.issued.live = false;
    const runs = world.app.get(RunsService);
    expectOk(
      await scene.transactions.run(BY, (db) =>
        runs.retryStep(db, verify!.id, { reason: 'Ann says that she did it', by: BY }),
      ),
    );
    await until(runId, done);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'dead' });
  });
});

describe('when nobody is left', () => {
  test('and the supplier only ever says yes, the step is parked and alerted, and nothing is called dead', async () => {
    const one = await leak();
    first.goesWrong('lying', 'revoke');
    const { verify } = await until(await run(one), parked('verify'));
    expect(verify?.reason).toContain('out of tries (8)');
    expect(await alerts(one)).toEqual([
      expect.objectContaining({
        kind: 'revocation.no-path-left',
        message: expect.stringMatching(/No path is left to stop .* lives on/),
      }),
    ]);
    expect(await scene.facets(one.versionId)).toMatchObject({ revocation: 'accepted', liveness: 'live' });
  });

  test('the step is parked, counted and alerted, and begins again with the first when a person asks', async () => {
    const one = await leak();
    first.goesWrong('server_error', 'revoke', 4);
    const runId = await run(one);
    const { revoke } = await until(runId, parked('revoke'));
    expect(revoke?.reason).toContain('after 4 tries');
    expect(first.revokesOf(one.issued.name)).toBe(4);
    expectALookBetween(one);
    expect(await alerts(one)).toEqual([
      expect.objectContaining({
        kind: 'revocation.no-path-left',
        occurrences: 1,
        message: expect.stringContaining('No path is left'),
      }),
    ]);
    expect(await attempts(one)).toMatchObject([{ connection_id: one.a, state: 'gave_up' }]);
    const counted = await world.app.inject({
      method: 'GET',
      url: `/api/v1/steps?state=parked&subject=${one.versionId}`,
      headers: { authorization: `Bearer ${await world.token('responder')}` },
    });
    expect(counted.json<{ steps: { id: Id }[] }>().steps.map(({ id }) => id)).toContain(revoke!.id);

    const runs = world.app.get(RunsService);
    expectOk(
      await scene.transactions.run(BY, (db) =>
        runs.retryStep(db, revoke!.id, { reason: 'the supplier is back', by: BY }),
      ),
    );
    await until(runId, done);
    expect(first.revokesOf(one.issued.name)).toBe(5);
    expectALookBetween(one);
    expect(one.issued.live).toBe(false);
  });
});

test('whatever goes wrong at two doors: a look between two requests, one way at a time, in order, and an end', async () => {
  const revocation = world.app.get(RevocationService);
  const fault = fc.constantFrom<(Fault | null)[]>(
    'lost',
    'too_many',
    'server_error',
    'html',
    'refuse_all',
    null,
  );
  const trouble = fc.record({
    door: fc.constantFrom('first' as const, 'second' as const),
    kind: fc.constantFrom('revoke' as const, 'probe' as const, 'any' as const),
    fault,
    died: fc.constantFrom(false, false, false, false, true),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(trouble, { minLength: 4, maxLength: 14 }),
      fc.boolean(),
      fc.boolean(),
      async (plan, keepValue, person) => {
        for (const { asked, faults, issued } of [first, second])
          for (const list of [asked, faults, issued]) list.length = 0;
        world.clock.advance(10 * MINUTE);
        const one = await leak({ second: true, person, keepValue });
        const key = `step-${newId()}:1`;
        let [failed, takenOver] = [0, false];
        let ended = false;
        for (const [at, { door, kind, fault: wrong, died }] of [...plan, ...CALM].entries()) {
          for (const supplier of [first, second]) supplier.faults.length = 0;
          if (wrong) (door === 'first' ? first : second).goesWrong(wrong, kind, 2);
          takenOver ||= died;
          const result = await revocation.revoke(
            one.versionId,
            scene.call({
              idempotencyKey: key,
              attempt: at + 1,
              takenOver,
              tries: { failed, left: Math.max(0, 3 - failed) },
            }),
          );
          world.clock.advance(SECOND);
          if (result.outcome === 'next_way') failed = 0;
          else if (result.outcome === 'retry' || result.outcome === 'unknown') {
            failed += 1;
            takenOver ||= result.outcome === 'unknown';
            ended = failed > 3;
          } else ended = true;
          const going = (await attempts(one)).filter(({ state }) => state === 'trying' || state === 'asked');
          expect(going.length).toBeLessThanOrEqual(1);
          if (ended) break;
        }
        expect(ended).toBe(true);
        expectALookBetween(one);
        const doors = seen(one)
          .filter((asked) => asked.kind === 'revoke')
          .map((asked) => asked.door);
        expect(doors).toEqual(doors.toSorted());
        if (!keepValue) expect(doors.length).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 60, seed: 20261122 },
  );
}, 240_000);
