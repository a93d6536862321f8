import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DrillView } from '../../src/domain/revocation/drill.schema.ts';
import { DueDrillsSweep } from '../../src/domain/revocation/due-drills.sweep.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { ELAPSED_DAY } from '../../src/kernel/time.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { DrillScene, type DrillPath } from '../support/drill-scene.ts';
import { BY, type KnownVersion } from '../support/revocation-scene.ts';
import { datadog, ScriptedSupplier } from '../support/scripted-supplier.ts';

const supplier = new ScriptedSupplier(datadog);
let world: TestApp;
let scene: DrillScene;
let partyId: Id;

beforeAll(async () => {
  await supplier.start();
  world = await startApp({ config: { outboundAllow: [supplier.hostPort], queue: 'off' } });
  scene = await DrillScene.at(world, supplier, 'datadog');
  partyId = await scene.party();
});
afterAll(async () => {
  await world?.close();
  await supplier.stop();
});

describe('as often as the agreement says', () => {
  /** An agreement over one integration that began so many days ago and wants its paths tried every 30. */
  async function agreed(one: KnownVersion, daysAgo: number): Promise<void> {
    const [id, versionId] = [newId(), newId()];
    const now = world.clock.date();
    const from = new Date(now.getTime() - daysAgo * ELAPSED_DAY);
    await scene.query(
      `INSERT INTO agreement (id, reference, party_id, title, created_at, updated_at) VALUES ($1, $2, $3, 'Terms', $4, $4)`,
      [id, `AGR-${id}`, partyId, now],
    );
    await scene.query(
      `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, drill_every_days, content_hash, created_at)
       VALUES ($1, $2, $3, 1, $4, 30, '\\x00', $5)`,
      [versionId, id, partyId, from, now],
    );
    await scene.query(`UPDATE integration SET agreement_id = $2 WHERE id = $1`, [one.integrationId, id]);
  }
  const sweep = () => world.app.get(DueDrillsSweep).sweep(BY);
  const drillsOf = async ({ pathId }: DrillPath) =>
    (await scene.responder('GET', `/api/v1/revocation-paths/${pathId}/drills`)).body.drills as DrillView[];
  const alerts = ({ pathId }: DrillPath) =>
    scene.query<{ message: string; open: boolean }>(
      `SELECT message, handled_at IS NULL AS open FROM alert WHERE kind = 'drill.due' AND subject_id = $1`,
      [pathId],
    );

  test('what is due is tried, what is not is left, and where no canary is ready somebody is told', async () => {
    const [due, fresh, bare] = [
      await scene.path(partyId),
      await scene.path(partyId),
      await scene.path(partyId),
    ];
    await scene.canary(due.connectionId);
    await scene.canary(fresh.connectionId);
    await agreed(due, 31);
    await agreed(fresh, 29);
    await agreed(bare, 31);
    await sweep();
    await sweep();
    expect(await drillsOf(due)).toHaveLength(1);
    expect(await drillsOf(fresh)).toEqual([]);
    expect(await drillsOf(bare)).toEqual([]);
    expect(await alerts(due)).toEqual([]);
    expect(await alerts(bare)).toEqual([
      { open: true, message: expect.stringMatching(/every 30 days are agreed.*No canary is ready/) },
    ]);
    const [begun] = await drillsOf(due);
    expect(await scene.ended(begun!.id)).toMatchObject({ outcome: 'passed' });
    // Tried now: nothing is due for as long again. A canary mends the other.
    await scene.canary(bare.connectionId);
    await sweep();
    expect(await drillsOf(due)).toHaveLength(1);
    expect(await alerts(bare)).toMatchObject([{ open: false }]);
    const [mended] = await drillsOf(bare);
    expect(await scene.ended(mended!.id)).toMatchObject({ outcome: 'passed' });
  });
});
