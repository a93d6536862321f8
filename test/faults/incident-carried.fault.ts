import { afterEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { verifyLedger } from '../../src/domain/ledger/verify-ledger.ts';
import { Keys } from '../../src/platform/signing/keys.ts';
import { emptyQueueTables } from '../support/empty-queue.ts';
import { until } from '../support/app.ts';
import { CarriedScene } from '../support/carried-scene.ts';

/**
 * From signed report to last notice, with the queue taken away. The rows are the truth and the queue only wakes: whatever
 * it forgets, every credential ends verified dead, is not revoked blindly twice, and each notice is accepted once.
 */

const CREDENTIALS = 60;
const INTEGRATIONS = 12;
const PLACE = 'github:aurora/shop';
/** Slow enough that much is open when the queue is lost. */
const SUPPLIER_TAKES = 100;

let scene: CarriedScene | undefined;
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

/** On Postgres whatever the surroundings say; `redisUrl` absent means the database. */
const onPostgres = { redisUrl: undefined } as object;

async function leak(config: object): Promise<CarriedScene> {
  scene = await CarriedScene.open({ credentials: CREDENTIALS, integrations: INTEGRATIONS, config });
  for (const supplier of Object.values(scene.suppliers))
    supplier.onRequest = () => new Promise((resolve) => setTimeout(resolve, SUPPLIER_TAKES));
  const report = await scene.signedReport(
    scene.leaked.map(({ issued }, n) => ({
      ref: `leak-${n}`,
      value: issued.value,
      place: PLACE,
      foundAt: [{ type: 'commit', path: `config/${n}.env`, line: n }],
    })),
  );
  expect(report.statusCode).toBe(202);
  const alert = await scene.githubAlert({
    number: 7,
    secret: scene.leaked[0]!.issued.value,
    repository: 'aurora/shop',
  });
  expect(alert.statusCode).toBe(202);
  return scene;
}

/** Waits for the first revocations, loses the queue, and says which share of the steps was open then. */
async function loseMidway(of: CarriedScene, lose: () => Promise<void>): Promise<number> {
  await until(() => of.live <= CREDENTIALS - 3, 'the first revocations', 60_000);
  await lose();
  const { open, all } = await of.steps();
  return open / all;
}

async function judge(of: CarriedScene): Promise<void> {
  await of.carried();
  expect(of.live).toBe(0);
  for (const canary of of.canaries) expect(canary.live).toBe(true);

  const incidents = await of.rows<{ id: string }>(`SELECT id FROM incident`);
  expect(incidents).toHaveLength(1);
  const named = await of.one(`SELECT count(*)::int AS n FROM incident_credential`);
  expect(named).toEqual({ n: CREDENTIALS });

  // By the suppliers' own logs.
  for (const { supplier, issued } of of.leaked) {
    const kinds = supplier.kinds(issued.name);
    expect(kinds).toContain('revoke');
    expect(kinds.lastIndexOf('probe')).toBeGreaterThan(kinds.indexOf('revoke'));
    let probed = true;
    for (const kind of kinds) {
      if (kind === 'revoke') {
        if (!probed) throw new Error(`${issued.name} was revoked twice without a look: ${kinds.join(' ')}`);
        probed = false;
      } else if (kind === 'probe') probed = true;
    }
  }

  // By the mail server's own log.
  const owed = await of.rows<{ message_id: string; dispatch: string }>(
    `SELECT message_id, dispatch FROM notice`,
  );
  expect(owed).toHaveLength(INTEGRATIONS);
  const ids = of.mail.received.map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(owed.map(({ message_id }) => `<${message_id}>`).toSorted());

  await of.signCopies();
  await until(
    async () =>
      (await of.one<{ n: number }>(`SELECT count(*)::int AS n FROM run WHERE state = 'running'`)).n === 0,
    'the end of every run',
  );
  const ended = await of.rows(`SELECT DISTINCT state FROM run`);
  expect(ended).toEqual([{ state: 'done' }]);
  await until(
    async () => (await of.one<{ state: string }>(`SELECT state FROM incident`)).state === 'contained',
    'the incident contained',
  );

  await of.world.app.close();
  const dataSource = await new DataSource({ type: 'postgres', url: of.world.database.url }).initialize();
  try {
    const verdict = await verifyLedger({
      dataSource,
      dataFolder: of.folder,
      vkeys: [Keys.open(of.world.config).signer().vkey],
    });
    expect(verdict).toMatchObject({ sound: true });
  } finally {
    await dataSource.destroy();
  }
}

describe('an incident is carried to its end', () => {
  test('with the queue off', async () => {
    const of = await leak({ ...onPostgres, queue: 'off' });
    await judge(of);
    const { n } = await of.one<{ n: number }>(`SELECT count(*)::int AS n FROM bullmq.job`);
    expect(n).toBe(0);
  }, 150_000);

  test('with every table of the queue emptied midway', async () => {
    const of = await leak(onPostgres);
    const open = await loseMidway(of, () => emptyQueueTables(of.client));
    expect(open).toBeGreaterThanOrEqual(0.3);
    await judge(of);
  }, 150_000);
});

const redisUrl = process.env['COUNTERSIGN_TEST_REDIS'];
if (redisUrl !== undefined) {
  describe('an incident is carried to its end on Redis', () => {
    test('that is flushed midway', async () => {
      const of = await leak({});
      expect(of.world.config.redisUrl).toBeDefined();
      const open = await loseMidway(of, async () => {
        const redis = new Redis(redisUrl);
        await redis.flushall();
        redis.disconnect();
      });
      expect(open).toBeGreaterThanOrEqual(0.3);
      await judge(of);
    }, 150_000);
  });
}
