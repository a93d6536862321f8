import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Role } from '../../src/kernel/principal.ts';
import { ELAPSED_DAY } from '../../src/kernel/time.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { ConsoleSession } from '../support/console-session.ts';
import { GateService } from '../../src/domain/policy/gate.service.ts';
import { ReEvaluationSweep } from '../../src/domain/policy/re-evaluate.job.ts';
import { Relay } from '../../src/platform/queue/relay.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { GateScene } from '../support/gate-scene.ts';
import { personCalling } from '../support/people.ts';
import { caller } from '../support/portfolio.ts';

let world: TestApp;
let scene: GateScene;
let staff: ReturnType<typeof caller>;
let engineer: ReturnType<typeof caller>;
let owner: ReturnType<typeof caller>;

beforeAll(async () => {
  world = await startApp();
  scene = await GateScene.set(world);
  await signIn();
});
afterAll(() => world.close());

/** Tokens end, too, and this test lives for months. */
async function signIn(): Promise<void> {
  staff = caller(world, await world.token('vendor_risk'));
  engineer = caller(world, await world.token('integration_engineer'));
  owner = (await personCalling(world, 'Olga', 'contract_owner')).call;
}
async function pass(days: number): Promise<void> {
  world.clock.advance(days * ELAPSED_DAY);
  await signIn();
}
const at = (path: string) => `/api/v1/integrations/${scene.integrationId}/${path}`;
const rules = (body: { findings: { rule: string; severity: string }[] }) =>
  body.findings.filter(({ severity }) => severity !== 'warning').map(({ rule }) => rule);
const sweep = () => world.app.get(ReEvaluationSweep).sweep(scene.by);
const integration = async () =>
  (
    await scene.query<{ state: string; pass: string; grace: Date | null }>(
      `SELECT state, pass, pass_grace_until AS grace FROM integration WHERE id = $1`,
      [scene.integrationId],
    )
  )[0]!;

describe('from refused to live', () => {
  test('the first dry run names everything that is missing, and how to mend it', async () => {
    const { status, body } = await engineer('POST', at('gate'));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: 'dry_run',
      verdict: 'refused',
      policy: { name: 'baseline', hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      matrix: { hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(rules(body)).toEqual([
      'matrix-not-countersigned',
      'matrix-not-countersigned',
      'untried-stop-path',
    ]);
    expect(body.findings[0]).toMatchObject({
      severity: 'critical',
      subject: { kind: 'matrix' },
      message: expect.stringContaining('Northwind'),
      mend: expect.stringContaining('Ask Northwind Retail to countersign'),
      frameworks: expect.arrayContaining([{ framework: 'DORA', id: '30(1)' }]),
    });
    expect(await integration()).toMatchObject({ state: 'draft', pass: 'refused' });
  });

  test('each piece that is put in place takes its finding away, and nothing else opens the gate', async () => {
    expect((await engineer('POST', at('go-live'))).status).toBe(403);
    const wanted = ['matrix-not-countersigned', 'matrix-not-countersigned', 'untried-stop-path'];
    for (const [piece, left] of [
      [() => scene.sign('northwind', 30), wanted.slice(1)],
      [() => scene.drill(), wanted.slice(1, 2)],
    ] as const) {
      await piece();
      const { status, body } = await staff('POST', at('go-live'));
      expect(status).toBe(200);
      expect(body).toMatchObject({ kind: 'go_live', verdict: 'refused', state: 'draft', pass: 'refused' });
      expect(rules(body)).toEqual(left);
    }
    await scene.sign('paylane');
    expect((await engineer('POST', at('gate'))).body.verdict).toBe('pass');
    // A dry run opens nothing.
    expect(await integration()).toMatchObject({ state: 'draft', pass: 'refused' });
  });

  test('it goes live, once, and every decision is on record with what it rested on', async () => {
    const { status, body } = await staff('POST', at('go-live'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ verdict: 'pass', state: 'live', pass: 'held' });
    expect(body.evidence.filter(({ kind }: { kind: string }) => kind === 'attestation')).toHaveLength(2);
    expect(body.evidence.filter(({ kind }: { kind: string }) => kind === 'drill')).toHaveLength(2);
    expect((await staff('POST', at('go-live'))).status).toBe(409);
    const first = (await staff('GET', at('gate-decisions?limit=2'))).body;
    const rest = (await staff('GET', `${at('gate-decisions?limit=200')}&cursor=${first.next}`)).body;
    expect([...first.decisions, ...rest.decisions].map(({ kind, verdict }) => `${kind} ${verdict}`)).toEqual([
      'go_live pass',
      'dry_run pass',
      'go_live refused',
      'go_live refused',
      'dry_run refused',
    ]);
    expect(rest.next).toBeNull();
    await expect(scene.query(`UPDATE gate_decision SET verdict = 'pass'`)).rejects.toThrow(
      /permission denied/,
    );
  });
});

describe('after going live', () => {
  test('evidence ages: the pass is lost with a time of grace, and somebody is told', async () => {
    await sweep();
    await pass(29);
    await sweep();
    expect(await integration()).toMatchObject({ pass: 'held' });
    await pass(2);
    await sweep();
    const lost = await integration();
    expect(lost).toMatchObject({ state: 'live', pass: 'lost' });
    expect(lost.grace!.getTime()).toBe(world.clock.now() + 14 * ELAPSED_DAY);
    expect(
      await scene.query(`SELECT severity FROM alert WHERE kind = 'gate.pass-lost' AND handled_at IS NULL`),
    ).toEqual([{ severity: 'warning' }]);
    const { decisions } = (await staff('GET', at('gate-decisions'))).body;
    expect(decisions[0]).toMatchObject({ kind: 're_evaluation', verdict: 'refused' });
    // Looking again and again changes nothing and writes nothing.
    await sweep();
    expect((await staff('GET', at('gate-decisions'))).body.decisions[0].id).toBe(decisions[0].id);
  });

  test('mended in time it holds the pass again', async () => {
    await scene.sign('northwind');
    await sweep();
    expect(await integration()).toMatchObject({ state: 'live', pass: 'held', grace: null });
  });

  test('an edit of the matrix after signing loses it at once, and nobody who mends it is escalated', async () => {
    await scene.query(
      `INSERT INTO matrix_version (id, integration_id, number, state, canonical, content_hash, author_id, created_at, valid_from)
       SELECT gen_random_uuid(), integration_id, number + 1, 'draft', canonical || ' ', '\\xbb', 'test', $2, $2
         FROM matrix_version WHERE integration_id = $1 ORDER BY number DESC LIMIT 1`,
      [scene.integrationId, new Date(world.clock.now())],
    );
    await sweep();
    expect(await integration()).toMatchObject({ pass: 'lost' });
    await pass(14);
    await sweep();
    expect(await integration()).toMatchObject({ state: 'live', pass: 'refused' });
    expect(await scene.query(`SELECT severity FROM alert WHERE kind = 'gate.grace-ended'`)).toEqual([
      { severity: 'critical' },
    ]);
    await scene.query(
      `UPDATE matrix_version SET state = 'withdrawn' WHERE integration_id = $1 AND number = 2`,
      [scene.integrationId],
    );
    await sweep();
    expect(await integration()).toMatchObject({ state: 'live', pass: 'held' });
  });
});

describe('exceptions', () => {
  const exception = (more: object = {}) => ({
    rule: 'unprovable-location',
    subject: { kind: 'location', id: '' },
    reason: 'The old reader needs it until it is replaced.',
    compensatingControl: 'The host is rebuilt every night.',
    expiresAt: new Date(world.clock.now() + 20 * ELAPSED_DAY).toISOString(),
    ...more,
  });
  let asked: ReturnType<typeof exception>;

  test('what is refused: no expiry, too late, in the past, no finding, a rule that allows none', async () => {
    await scene.query(`UPDATE location SET provable = 'no' WHERE integration_id = $1`, [scene.integrationId]);
    await sweep();
    expect(await integration()).toMatchObject({ pass: 'lost' });
    const [place] = await scene.query<{ id: string }>(`SELECT id FROM location WHERE integration_id = $1`, [
      scene.integrationId,
    ]);
    asked = exception({ subject: { kind: 'location', id: place!.id } });
    const ask = async (more: object) =>
      (await staff('POST', at('exceptions'), { body: { ...asked, ...more } })).status;
    const when = (days: number) => new Date(world.clock.now() + days * ELAPSED_DAY).toISOString();
    expect(await ask({ expiresAt: undefined })).toBe(400);
    expect(await ask({ expiresAt: null })).toBe(400);
    expect(await ask({ expiresAt: when(-1) })).toBe(400);
    expect(await ask({ expiresAt: when(91) })).toBe(400);
    expect(await ask({ reason: ' ' })).toBe(400);
    expect(await ask({ rule: 'no-owner' })).toBe(409);
    expect(await ask({ rule: 'allowed-stores' })).toBe(409);
    expect((await engineer('POST', at('exceptions'), { body: asked })).status).toBe(403);
  });

  test('one is asked for by one and approved by another; the pass comes back and shows it', async () => {
    const requested = await staff('POST', at('exceptions'), { body: asked });
    expect(requested).toMatchObject({ status: 201, body: { state: 'requested' } });
    expect((await staff('POST', at('exceptions'), { body: asked })).status).toBe(409);
    const path = `/api/v1/exceptions/${requested.body.id}`;
    expect(await staff('POST', `${path}/approve`)).toMatchObject({
      status: 403,
      body: { code: 'four-eyes' },
    });
    expect(await owner('POST', `${path}/approve`)).toMatchObject({
      status: 200,
      body: { state: 'approved' },
    });
    expect((await owner('POST', `${path}/refuse`)).status).toBe(409);
    await until(async () => {
      world.app.get(Relay).pass();
      return (await integration()).pass === 'held';
    }, 'the pass is held again');
    const { body } = await engineer('POST', at('gate'));
    expect(body).toMatchObject({ verdict: 'pass' });
    expect(body.findings).toContainEqual(
      expect.objectContaining({
        rule: 'unprovable-location',
        exception: { id: requested.body.id, expiresAt: expect.any(String) },
      }),
    );
    expect((await staff('GET', '/api/v1/exceptions?open=true')).body.exceptions).toHaveLength(1);
  });

  test('it ends by itself, and the finding counts again', async () => {
    await pass(21);
    await sweep();
    expect(await integration()).toMatchObject({ pass: 'lost' });
    expect((await staff('GET', at('exceptions'))).body.exceptions).toMatchObject([{ state: 'expired' }]);
    expect((await staff('GET', '/api/v1/exceptions?open=true')).body.exceptions).toEqual([]);
    // Its compensating control is past its end, which is said by name.
    const { body } = await engineer('POST', at('gate'));
    expect(body.findings).toContainEqual(
      expect.objectContaining({
        rule: 'control-past-end',
        subject: expect.objectContaining(asked.subject),
        message: expect.stringContaining(asked.compensatingControl),
        mend: expect.stringContaining('another exception'),
      }),
    );
  });

  test('one without an end cannot be stored, nor one that its requester approves', async () => {
    await expect(scene.query(`UPDATE policy_exception SET decided_by = requested_by`)).rejects.toThrow(
      /four_eyes/,
    );
    await expect(
      scene.query(
        `INSERT INTO policy_exception (id, integration_id, rule, subject_kind, subject_id, subject_name, reason, compensating_control, requested_by, requested_at, expires_at)
         VALUES (gen_random_uuid(), $1, 'x', 'x', 'x', 'x', 'x', 'x', 'x', now(), NULL)`,
        [scene.integrationId],
      ),
    ).rejects.toThrow(/null value/);
  });
});

describe('policies and the whole portfolio', () => {
  test('policies are listed with every rule, its severity and its framework references', async () => {
    const { body } = await staff('GET', '/api/v1/policies');
    expect(body.policies.map(({ name }: { name: string }) => name)).toEqual([
      'baseline',
      'high-tier',
      'low-tier',
      'regulated-financial',
    ]);
    const one = (await staff('GET', '/api/v1/policies/high-tier')).body;
    expect(one.rules).toContainEqual(
      expect.objectContaining({ name: 'contact-freshness', severity: 'high' }),
    );
    expect((await staff('GET', '/api/v1/policies/nothing')).status).toBe(404);
  });

  test('a change of tier inherits another policy', async () => {
    await scene.query(`UPDATE integration SET risk_tier = 1 WHERE id = $1`, [scene.integrationId]);
    await sweep();
    expect(
      await scene.query(`SELECT policy, verdict FROM gate_standing WHERE integration_id = $1`, [
        scene.integrationId,
      ]),
    ).toEqual([{ policy: 'high-tier', verdict: 'refused' }]);
  });

  test('everything is looked at again in batches, with progress', async () => {
    await scene.query(
      `INSERT INTO integration (id, reference, name, created_at, updated_at)
       SELECT gen_random_uuid(), 'INT-2026-7' || n, 'Bulk ' || n, $1, $1 FROM generate_series(1, 250) n`,
      [new Date(world.clock.now())],
    );
    const told: number[] = [];
    const done = await world.app.get(GateService).reEvaluateAll(scene.by, (count, total) => {
      told.push(count);
      expect(total).toBe(251);
    });
    expect(done).toBe(251);
    expect(told).toEqual([100, 200, 251]);
    expect(await scene.query(`SELECT count(*)::int AS n FROM gate_standing`)).toEqual([{ n: 251 }]);
  });

  test('everything is asked for again over REST and on the page, and both say how far it is', async () => {
    const at = '/api/v1/gate/re-evaluation';
    const ask = async (method: 'GET' | 'POST', role: Role) => {
      const answer = await world.app.inject({
        method,
        url: at,
        headers: { authorization: `Bearer ${await world.token(role)}` },
      });
      return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
    };
    await sweep();
    expect(await ask('GET', 'auditor')).toMatchObject({ status: 200, body: { total: 251, waiting: 0 } });
    expect((await ask('POST', 'auditor')).status).toBe(403);
    expect(await ask('POST', 'vendor_risk')).toMatchObject({
      status: 202,
      body: { total: 251, waiting: 251 },
    });
    // Asked twice, nothing is looked at twice.
    expect(await ask('POST', 'vendor_risk')).toMatchObject({ status: 202, body: { waiting: 251 } });
    expect(await scene.query(`SELECT count(*)::int AS n FROM gate_stale`)).toEqual([{ n: 251 }]);
    const password = Secret.of('correct horse battery staple');
    await world.app
      .get(AccessService)
      .createUser(
        { email: 'vera@operator.example', name: 'Vera', roles: ['vendor_risk'], partyId: null, password },
        scene.by,
      );
    const page = await ConsoleSession.signIn(world, 'vera@operator.example', 'correct horse battery staple');
    expect((await page.page('/gate')).html).toContain('251 of 251 integrations wait');
    await world.app.get(GateService).round(scene.by);
    expect((await page.page('/gate')).html).toContain('151 of 251 integrations wait');
    expect(await ask('GET', 'auditor')).toMatchObject({ body: { waiting: 151 } });
    await sweep();
    expect(await ask('GET', 'auditor')).toMatchObject({
      body: { waiting: 0, newestAt: new Date(world.clock.now()).toISOString() },
    });
    expect((await page.page('/gate')).html).not.toContain('integrations wait');
    expect(await page.send('/gate', '/gate/re-evaluation', {})).toMatchObject({
      status: 303,
      location: '/gate',
    });
    expect((await page.page('/gate')).html).toContain('The gate looks again at 251 integrations.');
    await sweep();
  });

  test('the ledger holds who asked, who decided and what the pass became, without the reasons in the clear', async () => {
    const kinds = await scene.query<{ kind: string }>(
      `SELECT DISTINCT body::jsonb ->> 'kind' AS kind FROM ledger_entry WHERE body LIKE '%gate.decided%' OR body LIKE '%integration.%' OR body LIKE '%exception.%' ORDER BY 1`,
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([
        'exception.approved',
        'exception.requested',
        'gate.decided',
        'integration.pass-held',
        'integration.pass-lost',
        'integration.pass-refused',
        'integration.went-live',
      ]),
    );
    expect(await scene.query(`SELECT 1 FROM ledger_entry WHERE body LIKE '%rebuilt every night%'`)).toEqual(
      [],
    );
  });
});
