import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CopiesService } from '../../src/domain/revocation/copies.service.ts';
import { RisksService } from '../../src/domain/revocation/risks.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { ELAPSED_DAY, iso } from '../../src/kernel/time.ts';
import { startApp, until, type TestApp } from '../support/app.ts';
import { MailServer } from '../support/mail-server.ts';
import { member } from '../support/matrix-scene.ts';
import { personCalling } from '../support/people.ts';
import { RevocationScene, type KnownVersion } from '../support/revocation-scene.ts';
import { datadog, ScriptedSupplier } from '../support/scripted-supplier.ts';

/** An integration ends by its runbook, without a queue: everything is killed and shown to be, and what cannot be holds it open. */

type Somebody = Awaited<ReturnType<typeof personCalling>>;
const supplier = new ScriptedSupplier(datadog);
let mail: MailServer;
let world: TestApp;
let scene: RevocationScene;
let [vera, olaf, rosa]: Somebody[] = [];
let one: KnownVersion;
let shared: KnownVersion;
let [copy, unprovable]: Id[] = [];

beforeAll(async () => {
  await supplier.start();
  mail = await MailServer.start();
  world = await startApp({
    config: { outboundAllow: [supplier.hostPort, mail.host], queue: 'off', smtpUrl: `smtp://${mail.host}` },
  });
  scene = new RevocationScene(world.app);
  vera = await personCalling(world, 'Vera', 'vendor_risk');
  olaf = await personCalling(world, 'Olaf', 'responder');
  rosa = await personCalling(world, 'Rosa', 'contract_owner');
  const partyId = await scene.party();
  await scene.query(
    `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) VALUES ($1, $2, 'Nora', 'contract', 'nora@example.test', $3, $3)`,
    [newId(), partyId, world.clock.date()],
  );
  const connectionId = await scene.connection(partyId, 'datadog', supplier, {
    canary: supplier.issue('control'),
  });
  one = await scene.version(partyId, connectionId, supplier.issue('own'));
  shared = await scene.version(partyId, connectionId, supplier.issue('shared'));
  const now = world.clock.date();
  await scene.transactions.run(vera.who, async (db) => {
    await member(db, one.integrationId, partyId, 'supplier');
    // A credential of this integration that another one uses, too.
    await db.query(`UPDATE credential SET integration_id = integration_id WHERE id = $1`, [
      shared.credentialId,
    ]);
    await db.query(
      `INSERT INTO credential_use (credential_id, integration_id, label, since) VALUES ($1, $2, 'Lent', $3)`,
      [shared.credentialId, one.integrationId, now],
    );
    await db.query(`UPDATE integration SET state = 'live', pass = 'held' WHERE id = $1`, [one.integrationId]);
  });
  copy = await scene.location(one, 'owner_statement', 'CI variable');
  unprovable = await scene.location(one, 'no', 'A laptop');
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
  await mail.close();
});

interface Step {
  step: string;
  state: string;
  done: number;
  total: number;
  open: { stepId: Id; label: string | null; forWhat: string | null }[];
}
const at = (path: string) => `/api/v1/integrations/${one.integrationId}/${path}`;
const way = async () => (await vera!.call('GET', at('offboarding'))).body;
const step = async (name: string): Promise<Step> =>
  (await way()).steps.find((found: Step) => found.step === name);
async function reaches(name: string, state: string): Promise<Step> {
  let found: Step | undefined;
  await until(
    async () => {
      world.clock.advance(300);
      found = await step(name);
      return found?.state === state;
    },
    `${name} to be ${state}`,
    30_000,
  ).catch(async (error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(await way(), null, 1)}`);
  });
  return found!;
}
const state = async () =>
  (
    await scene.query<{ state: string; pass: string }>(`SELECT state, pass FROM integration WHERE id = $1`, [
      one.integrationId,
    ])
  )[0]!;

describe('from live to retired', () => {
  test('it leaves production when it begins, and somebody else confirms that it ends', async () => {
    const body = { reason: 'The contract ended' };
    expect((await olaf!.call('POST', at('offboarding'), { body })).status).toBe(403);
    expect((await vera!.call('POST', at('offboarding'), { body })).status).toBe(202);
    expect((await vera!.call('POST', at('offboarding'), { body })).status).toBe(409);
    expect(await state()).toEqual({ state: 'suspended', pass: 'refused' });
    expect((await vera!.call('POST', at('go-live'))).body.type).toContain('being-offboarded');
    const { open } = await reaches('approve', 'needs_somebody');
    const approve = (who: Somebody) =>
      who.call('POST', `/api/v1/steps/${open[0]!.stepId}/approve`, { body: { decision: 'approve' } });
    expect((await approve(vera!)).status).toBe(403);
    expect(supplier.revokesOf('own')).toBe(0);
    expect((await approve(olaf!)).status).toBe(200);
  });

  test('its credential is proven dead, what another integration uses lives on, and both sides are told', async () => {
    await reaches('verify', 'done');
    expect(supplier.byId(supplier.issued.find(({ name }) => name === 'own')!.id)!.live).toBe(false);
    expect(supplier.byId(supplier.issued.find(({ name }) => name === 'shared')!.id)!.live).toBe(true);
    expect(await scene.facets(one.versionId)).toMatchObject({ liveness: 'dead' });
    await until(
      () =>
        mail.received.some(({ to, subject }) => to.includes('nora@example.test') && subject.includes('ends')),
      'Nora to be told',
    );
    expect(mail.received[0]!.text).toContain('The contract ended');
  });

  test('the owner of a copy signs that it is gone; one that nobody can prove keeps it open', async () => {
    await reaches('sessions', 'done');
    const copies = await reaches('copies', 'needs_somebody');
    expect(copies).toMatchObject({
      done: 1,
      total: 2,
      open: [{ label: expect.stringContaining('CI variable') }],
    });
    await sign('location', copy!, 'copy_gone');
    await reaches('copies', 'done');
    const retire = await reaches('retire', 'under_way');
    await until(
      async () => (await step('retire')).open[0]?.forWhat?.includes('A laptop') ?? false,
      'what holds it open to be said',
    );
    expect(retire.open).toHaveLength(1);
    expect(await way()).toMatchObject({ state: 'open', holdsOpen: [expect.stringContaining('A laptop')] });
    expect((await state()).state).toBe('suspended');
  });

  test('it is retired when two people carry the rest by name', async () => {
    const input = {
      subjectKind: 'location' as const,
      subjectId: unprovable!,
      reason: 'The laptop is destroyed, nobody saw it',
      until: iso(world.clock.now() + 30 * ELAPSED_DAY),
    };
    const risks = world.app.get(RisksService);
    expectOk(await risks.accept(rosa!.who, input));
    expect((await step('retire')).state).toBe('under_way');
    expectOk(await risks.accept(olaf!.who, input));
    await reaches('retire', 'done');
    await until(async () => (await way()).state === 'done', 'the offboarding to be done');
    expect(await state()).toEqual({ state: 'retired', pass: 'refused' });
    const [ended] = await scene.query(
      `SELECT c.retired_at IS NOT NULL AS credential, v.phase, (SELECT count(*)::int FROM location WHERE credential_id = c.id AND retired_at IS NULL) AS copies
         FROM credential c JOIN credential_version v ON v.credential_id = c.id WHERE c.id = $1`,
      [one.credentialId],
    );
    expect(ended).toEqual({ credential: true, phase: 'retired', copies: 0 });
    expect(
      await scene.query(`SELECT integration_id FROM credential_use WHERE credential_id = $1`, [
        shared.credentialId,
      ]),
    ).toEqual([{ integration_id: shared.integrationId }]);
    await until(
      () => mail.received.some(({ subject }) => subject.includes('has ended')),
      'Nora to be told that it has ended',
    );
    const ledger = await scene.ledger(one.integrationId);
    expect(ledger.filter((kind) => /^(offboarding|integration)\./.test(kind))).toEqual([
      'offboarding.started',
      'integration.retired',
      'offboarding.done',
    ]);
  });
});

async function sign(subjectKind: 'location', subjectId: Id, kind: 'copy_gone'): Promise<void> {
  expectOk(
    await world.app.get(CopiesService).sign(olaf!.who, {
      kind,
      subjectKind,
      subjectId,
      text: 'I have seen to it.',
      signsFor: 'the company',
      strength: 'account',
      versionId: one.versionId,
    }),
  );
}
