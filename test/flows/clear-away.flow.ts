import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Clearing } from '../../src/domain/revocation/clearing.service.ts';
import { RevocationService } from '../../src/domain/revocation/revocation.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { MINUTE } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { RevocationScene } from '../support/revocation-scene.ts';
import { ScriptedIam } from '../support/scripted-aws.ts';
import { ScriptedSupplier, sendgrid } from '../support/scripted-supplier.ts';

/** A key that is only switched off is removed, once it is proven dead and not a moment before. */

const iam = new ScriptedSupplier(new ScriptedIam());
const keys = new ScriptedSupplier(sendgrid);
let world: TestApp;
let scene: RevocationScene;
let revocation: RevocationService;
let clearing: Clearing;
let partyId: Id;

beforeAll(async () => {
  await Promise.all([iam.start(), keys.start()]);
  world = await startApp({
    config: { outboundAllow: [iam.hostPort, keys.hostPort], queue: 'off' },
    settings: { duties: { serves: false, works: false } },
  });
  scene = new RevocationScene(world.app);
  revocation = world.app.get(RevocationService);
  clearing = world.app.get(Clearing);
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await Promise.all([iam.stop(), keys.stop()]);
});
beforeEach(() => {
  iam.issued.length = 0;
  iam.asked.length = 0;
  iam.faults.length = 0;
  world.clock.advance(10 * MINUTE);
});

const evidenceOf = (versionId: Id) =>
  scene.query<{ outcome: string }>(
    `SELECT outcome FROM evidence WHERE version_id = $1 AND kind = 'clear_away' ORDER BY attempt`,
    [versionId],
  );

test('switched off, proven dead, removed, still dead', async () => {
  const { versionId, issued } = await scene.leak(partyId, 'aws-iam-access-key', iam);
  const before = await clearing.clearAway(versionId, scene.call());
  expect(before).toMatchObject({ outcome: 'not_proven' });
  expect(await revocation.revoke(versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
  expect(await clearing.clearAway(versionId, scene.call())).toMatchObject({ outcome: 'not_proven' });
  expect(iam.byId(issued.id)).not.toBeNull();

  expect(await revocation.verifyDead(versionId, scene.call())).toMatchObject({ outcome: 'dead' });
  expect(await clearing.clearAway(versionId, scene.call())).toMatchObject({ outcome: 'cleared' });
  expect(iam.byId(issued.id)).toBeNull();
  expect(await clearing.clearAway(versionId, scene.call())).toMatchObject({ outcome: 'gone' });
  expect(await evidenceOf(versionId)).toEqual([{ outcome: 'accepted' }, { outcome: 'gone' }]);
  expect(await scene.ledger(versionId)).toContain('credential_version.cleared-away');
  expect(await revocation.verifyDead(versionId, scene.call())).toMatchObject({ outcome: 'dead' });
  expect(await revocation.endSessions(versionId, scene.call())).toMatchObject({ outcome: 'residual' });
});

test('a supplier that says yes and does nothing: what lives is not removed', async () => {
  const { versionId, issued } = await scene.leak(partyId, 'aws-iam-access-key', iam);
  iam.goesWrong('lying', 'revoke');
  expect(await revocation.revoke(versionId, scene.call())).toMatchObject({ outcome: 'accepted' });
  expect(await revocation.verifyDead(versionId, scene.call())).toMatchObject({ outcome: 'live' });
  expect(await clearing.clearAway(versionId, scene.call())).toMatchObject({ outcome: 'not_proven' });
  expect(iam.byId(issued.id)).not.toBeNull();
});

test('a lost answer is asked for again, and what is gone is said to be', async () => {
  const { versionId } = await scene.leak(partyId, 'aws-iam-access-key', iam);
  await revocation.revoke(versionId, scene.call());
  await revocation.verifyDead(versionId, scene.call());
  iam.onRequest = (asked) => {
    if (asked.body.includes('Action=DeleteAccessKey')) iam.goesWrong('lost', 'other', 1);
  };
  const call = scene.call();
  expect(await clearing.clearAway(versionId, call)).toMatchObject({ outcome: 'unknown' });
  iam.onRequest = () => undefined;
  expect(await clearing.clearAway(versionId, { ...call, attempt: 2 })).toMatchObject({ outcome: 'gone' });
});

test('a supplier that deletes at once leaves nothing', async () => {
  const { versionId } = await scene.leak(partyId, 'sendgrid', keys);
  expect(await clearing.clearAway(versionId, scene.call())).toMatchObject({ outcome: 'nothing_left' });
});
