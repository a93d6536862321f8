import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DomainChallenges } from '../../src/domain/parties/domain-challenges.service.ts';
import { LedgerService } from '../../src/domain/ledger/ledger.service.ts';
import { VerificationsService } from '../../src/domain/parties/verifications.service.ts';
import { PartnersService } from '../../src/domain/policy/partners.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import type { Refusal } from '../../src/kernel/errors.ts';
import { expectOk, type Result } from '../../src/kernel/result.ts';
import { ELAPSED_DAY } from '../../src/kernel/time.ts';
import { Clock } from '../../src/platform/clock/clock.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { TxtRecords } from '../../src/platform/http/txt-records.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { GateScene } from '../support/gate-scene.ts';
import { personCalling } from '../support/people.ts';

/** A partner shows who it is by a record in its own domain. The names of this world are in `published`. */

let world: TestApp;
let scene: GateScene;
let partners: PartnersService;
let challenges: DomainChallenges;
let partyId: Id;
let vera: Awaited<ReturnType<typeof personCalling>>;
let published: Record<string, string[][]> | 'down' = {};

beforeAll(async () => {
  world = await startApp({ config: { queue: 'off' } });
  scene = await GateScene.set(world);
  vera = await personCalling(world, 'Vera', 'vendor_risk');
  partyId = await scene.partyOf('paylane');
  const records = new TxtRecords((name) =>
    published === 'down'
      ? Promise.reject(Object.assign(new Error('dns'), { code: 'ESERVFAIL' }))
      : published[name]
        ? Promise.resolve(published[name])
        : Promise.reject(Object.assign(new Error('dns'), { code: 'ENOTFOUND' })),
  );
  const get = world.app.get.bind(world.app);
  challenges = new DomainChallenges(get(Transactions), get(LedgerService), get(Clock), records);
  partners = new PartnersService(get(Transactions), get(VerificationsService), challenges);
});
afterAll(() => world.close());

function expectErr(result: Result<unknown, Refusal>): Refusal {
  if (result.ok) throw new Error('it was not refused');
  return result.error;
}

const verifications = async () =>
  (await vera.call('GET', `/api/v1/parties/${partyId}/verifications`)).body.verifications as {
    method: string;
    statement: string;
  }[];

test('only the record that was asked for, at the name that was asked about, verifies the partner', async () => {
  const asked = expectOk(await partners.askDomain(partyId, { domain: 'paylane.example' }, vera.who));
  expect(asked.record.name).toBe('_countersign.paylane.example');
  expect(asked.record.value).toMatch(/^countersign-verification=[0-9a-f]{32}$/);
  const again = expectOk(await partners.askDomain(partyId, { domain: 'paylane.example' }, vera.who));
  expect(again.record).toEqual(asked.record);

  const refused = async () => expectErr(await partners.checkDomain(partyId, asked.id, vera.who));
  const nothing = await refused();
  expect(nothing.code).toBe('record-not-found');
  expect(nothing.message).toContain(`with the value ${asked.record.value}`);
  published = { 'paylane.example': [[asked.record.value]], [asked.record.name]: [['something else']] };
  expect((await refused()).message).toContain('1 other TXT records');
  published = 'down';
  expect((await refused()).message).toContain('no answer from the name servers (ESERVFAIL)');
  expect(await verifications()).toEqual([]);

  const half = asked.record.value.length / 2;
  published = {
    [asked.record.name]: [['v=spf1'], [asked.record.value.slice(0, half), asked.record.value.slice(half)]],
  };
  expectOk(await partners.checkDomain(partyId, asked.id, vera.who));
  expect(await verifications()).toMatchObject([
    { method: 'domain', statement: expect.stringContaining(asked.record.value) },
  ]);
  expect(expectErr(await partners.checkDomain(partyId, asked.id, vera.who)).code).toBe('already-verified');
  const listed = await vera.call('GET', `/api/v1/parties/${partyId}/domain-challenges`);
  expect(listed.body.challenges).toMatchObject([
    { domain: 'paylane.example', verifiedAt: expect.any(String) },
  ]);
  const gate = await vera.call('POST', `/api/v1/integrations/${scene.integrationId}/gate`);
  expect(gate.body.findings.map(({ rule }: { rule: string }) => rule)).not.toContain('partner-unverified');
});

test('the record of one party verifies no other, and one that came too late verifies nobody', async () => {
  const asked = expectOk(await partners.askDomain(partyId, { domain: 'late.example' }, vera.who));
  published = { [asked.record.name]: [[asked.record.value]] };
  const other = await scene.partyOf('northwind');
  expect(expectErr(await partners.checkDomain(other, asked.id, vera.who)).code).toBe('no-challenge');
  world.clock.advance(31 * ELAPSED_DAY);
  expect(expectErr(await partners.checkDomain(partyId, asked.id, vera.who)).code).toBe('challenge-expired');
});

test('a name of this house is not asked about; a machine vouches for nobody', async () => {
  vera = await personCalling(world, 'Vesna', 'vendor_risk');
  for (const domain of ['vault.internal', '10.0.0.1', 'localhost', 'paylane'])
    expect(
      await vera.call('POST', `/api/v1/parties/${partyId}/domain-challenges`, { body: { domain } }),
    ).toMatchObject({ status: 400, body: { errors: [{ field: '/domain' }] } });
  const asked = expectOk(await partners.askDomain(partyId, { domain: 'paylane.example' }, vera.who));
  const { personId: _person, ...machine } = vera.who;
  expect(expectErr(await partners.checkDomain(partyId, asked.id, machine)).code).toBe('person-needed');
});
