import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ReEvaluationSweep } from '../../src/domain/policy/re-evaluate.job.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { GateScene } from '../support/gate-scene.ts';
import { personCalling } from '../support/people.ts';
import { caller } from '../support/portfolio.ts';
import { oauth, ScriptedSupplier } from '../support/scripted-supplier.ts';

/**
 * From draft to live by the runbook, with four people and no queue: each step waits for what it names, says how to mend
 * it, and goes on by itself. Nobody has two parts.
 */

type Somebody = Awaited<ReturnType<typeof personCalling>>;
const supplier = new ScriptedSupplier(oauth);
let world: TestApp;
let scene: GateScene;
let [rita, vera, igor, olaf]: Somebody[] = [];
let connectionId: Id;

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off' } });
  scene = await GateScene.set(world, (text) => text.replace('https://id.paylane.example', supplier.baseUrl));
  rita = await personCalling(world, 'Rita', 'vendor_risk');
  vera = await personCalling(world, 'Vera', 'vendor_risk');
  igor = await personCalling(world, 'Igor', 'admin');
  olaf = await personCalling(world, 'Olaf', 'vendor_risk');
  [{ id: connectionId }] = (await scene.query<{ id: Id }>(
    `SELECT id FROM connection WHERE external_key = 'paylane-live'`,
  )) as [{ id: Id }];
  const control = supplier.issue('control');
  const secrets = { auth: oauth.admin, control: { value: control.value, supplierId: control.id } };
  expect(
    (await igor!.call('PUT', `/api/v1/connections/${connectionId}/secrets`, { body: secrets })).status,
  ).toBe(200);
  await scene.confirmContacts();
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

interface Step {
  step: string;
  state: string;
  open: { stepId: Id; label: string | null; forWhat: string | null }[];
}
const at = (path: string) => `/api/v1/integrations/${scene.integrationId}/${path}`;
async function way(): Promise<{ state: string; runState: string; steps: Step[]; [key: string]: unknown }> {
  return (await olaf!.call('GET', at('onboarding'))).body;
}
const step = async (name: string) => (await way()).steps.find((one) => one.step === name)!;
/** Time goes on, and what changed is looked at. */
async function reaches(name: string, state: string): Promise<Step> {
  let found: Step | undefined;
  await until(
    async () => {
      world.clock.advance(500);
      await world.app.get(ReEvaluationSweep).sweep(scene.by);
      found = await step(name);
      return found?.state === state;
    },
    `${name} to be ${state}`,
    20_000,
  ).catch(async (error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(await way(), null, 1)}`);
  });
  return found!;
}
/** What a step waits for, once it says so. */
async function says(name: string, text: string): Promise<Step> {
  let found: Step | undefined;
  await until(
    async () => {
      world.clock.advance(500);
      await world.app.get(ReEvaluationSweep).sweep(scene.by);
      found = await step(name);
      return found.open.some(({ forWhat }) => forWhat?.includes(text));
    },
    `${name} to say ${text}`,
    20_000,
  );
  return found!;
}
const problem = (body: { type: string }) => body.type.split('/').at(-1)?.split(':').at(-1);

describe('from draft to live', () => {
  test('is asked for by a person', async () => {
    const machine = caller(world, await world.token('vendor_risk'));
    const body = { reason: 'The shop sells again' };
    expect(problem((await machine('POST', at('onboarding'), { body })).body)).toBe('person-needed');
    expect(
      (await rita!.call('POST', at('onboarding'), { body: { ...body, fastPath: true } })).body,
    ).toMatchObject({
      detail: expect.stringContaining('fast path is for tier 4'),
    });
    expect((await rita!.call('POST', at('onboarding'), { body })).status).toBe(202);
    expect(problem((await rita!.call('POST', at('onboarding'), { body })).body)).toBe('onboarding-open');
    expect(await way()).toMatchObject({
      state: 'open',
      requestedBy: rita!.who.personId,
      compensatingControl: null,
    });
    const [integration] = await scene.query<{ state: string }>(
      `SELECT state FROM integration WHERE id = $1`,
      [scene.integrationId],
    );
    expect(integration?.state).toBe('in_review');
  });

  test('nothing begins before somebody has verified the partner', async () => {
    await says('partner', 'Paylane Payments');
    expect((await step('approve')).state).toBe('waits');
    const partyId = await scene.partyOf('paylane');
    const verify = (who: Somebody, body: object) =>
      who.call('POST', `/api/v1/parties/${partyId}/verifications`, { body });
    expect((await verify(vera!, { method: 'contact', statement: 'x' })).status).toBe(400);
    const [desk] = await scene.query<{ id: Id }>(
      `SELECT id FROM contact WHERE external_key = 'paylane-desk'`,
    );
    // Whoever asked vouches for nobody, neither by their word nor by naming a domain.
    const vouched = await verify(rita!, { method: 'document', statement: 'I have seen the register' });
    expect(vouched).toMatchObject({ status: 403, body: { code: 'separation-of-duties' } });
    expect(
      await rita!.call('POST', `/api/v1/parties/${partyId}/domain-challenges`, {
        body: { domain: 'paylane.example' },
      }),
    ).toMatchObject({ status: 403, body: { code: 'separation-of-duties' } });
    expect((await way()).steps.find((one) => one.step === 'partner')?.state).not.toBe('done');
    const said = await verify(vera!, {
      method: 'contact',
      contactId: desk!.id,
      statement: 'Called back at the number in the register',
    });
    expect(said.status).toBe(201);
    await reaches('partner', 'done');
  });

  test('whoever asked does not admit it, and whoever admits it decides on the scopes', async () => {
    const { open } = await reaches('approve', 'needs_somebody');
    const decide = (who: Somebody) =>
      who.call('POST', `/api/v1/steps/${open[0]!.stepId}/approve`, {
        body: { decision: 'approve', reason: 'Wanted' },
      });
    expect((await decide(rita!)).status).toBe(403);
    expect((await decide(vera!)).status).toBeLessThan(300);
    await says('scopes', 'Checkout access token needs the scope payments.write');
    const [scope] = (await way())['scopes'] as { credentialId: Id; scope: string }[];
    const review = (who: Somebody, more: object) =>
      who.call('POST', at('onboarding/scopes'), {
        body: { credentialId: scope!.credentialId, scope: scope!.scope, ...more },
      });
    const refused = await review(rita!, { decision: 'justified', justification: 'I say so' });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({
      type: expect.stringContaining('separation-of-duties'),
      detail: expect.stringMatching(/"request".*"approve"/),
    });
    expect((await review(vera!, { decision: 'justified' })).status).toBe(400);
    // Unjustified is a finding of the gate, and the review is done all the same.
    expect((await review(vera!, { decision: 'unjustified' })).status).toBe(204);
    await reaches('scopes', 'done');
    const gate = await olaf!.call('POST', at('gate'));
    expect(gate.body.findings.map(({ rule }: { rule: string }) => rule)).toContain('scope-justification');
    expect(
      (await review(vera!, { decision: 'justified', justification: 'The shop takes payments' })).status,
    ).toBe(204);
  });

  test('the matrix step goes on when the last side has signed', async () => {
    await says('matrix', 'countersign');
    await scene.sign('northwind');
    await scene.sign('paylane');
    await reaches('matrix', 'done');
    await reaches('terms', 'done');
    await reaches('paths', 'done');
  });

  test('a credential is issued where nothing is at stake, by a third person, and its path is drilled', async () => {
    const { open } = await reaches('issuance', 'needs_somebody');
    expect(open[0]).toMatchObject({
      label: 'Checkout access token (production)',
      forWhat: expect.stringContaining('record it as a canary'),
    });
    const settle = (who: Somebody) =>
      who.call('POST', `/api/v1/steps/${open[0]!.stepId}/settle`, {
        body: { answer: 'done', note: 'It worked' },
      });
    expect(problem((await settle(vera!)).body)).not.toBe(undefined);
    const trial = supplier.issue('trial');
    const added = await igor!.call('POST', `/api/v1/connections/${connectionId}/canaries`, {
      body: { label: 'Trial token', supplierId: trial.id, value: trial.value },
    });
    expect(added.status).toBe(201);
    await reaches('issuance', 'done');
    await reaches('drill', 'done');
    expect(trial.live).toBe(false);
    const [drill] = await scene.query<{ outcome: string }>(`SELECT outcome FROM drill`);
    expect(drill).toEqual({ outcome: 'passed' });
  });

  test('the gate is asked on record, and decides; whoever issued does not open it', async () => {
    await reaches('gate', 'done');
    const [dry] = await scene.query<{ verdict: string }>(
      `SELECT verdict FROM gate_decision WHERE integration_id = $1 AND kind = 'dry_run' ORDER BY at DESC, id DESC LIMIT 1`,
      [scene.integrationId],
    );
    expect(dry).toEqual({ verdict: 'pass' });
    for (const [who, part] of [
      [igor, 'issue'],
      [vera, 'approve'],
      [rita, 'request'],
    ] as const) {
      const refused = await who!.call('POST', at('go-live'));
      expect(refused.status).toBe(403);
      expect(refused.body.detail).toContain(`"${part}"`);
    }
    expect(await way()).toMatchObject({ state: 'open' });
    expect((await olaf!.call('POST', at('go-live'))).body).toMatchObject({
      verdict: 'pass',
      state: 'live',
      pass: 'held',
    });
    await reaches('go-live', 'done');
    await until(async () => (await way()).state === 'done', 'the onboarding to be done');
    const ledger = await scene.query<{ kind: string }>(
      `SELECT DISTINCT kind FROM ledger_entry WHERE subject_id = $1 AND kind LIKE 'onboarding.%' ORDER BY kind`,
      [scene.integrationId],
    );
    expect(ledger.map(({ kind }) => kind)).toEqual(['onboarding.done', 'onboarding.started']);
  });
});
