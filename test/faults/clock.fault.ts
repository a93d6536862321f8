import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { system } from '../../src/kernel/principal.ts';
import { SECOND } from '../../src/kernel/time.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { ClockWatch } from '../../src/platform/health/clock-watch.ts';
import { Lifecycle } from '../../src/platform/health/lifecycle.ts';
import { Log } from '../../src/platform/log/log.ts';
import { Metrics } from '../../src/platform/metrics/metrics.ts';
import { defineJob, withdrawJob } from '../../src/platform/outbox/definitions.ts';
import { Outbox } from '../../src/platform/outbox/outbox.ts';
import { OutboxRows } from '../../src/platform/outbox/rows.ts';
import { JobHandler, Sweep } from '../../src/platform/queue/handlers.ts';
import { Relay } from '../../src/platform/queue/relay.ts';
import { Sweeps } from '../../src/platform/queue/sweeps.ts';
import { startApp, until, type TestApp } from '../support/app.ts';

const job = defineJob({
  name: 'test.clock',
  queue: 'engine',
  payload: z.object({}),
  retry: { attempts: 3, backoff: SECOND },
});
let ran = 0;
let swept = 0;
@JobHandler(job)
class Work {
  async handle(): Promise<void> {
    ran += 1;
  }
}
@Sweep({ name: 'test.clock-sweep', every: 60 * SECOND })
class ClockSweep {
  async sweep(): Promise<void> {
    swept += 1;
  }
}

let world: TestApp;
beforeAll(async () => {
  world = await startApp({ settings: { overrides: [Work, ClockSweep] } });
});
afterAll(async () => {
  await world.close();
  withdrawJob(job);
});

test('a machine whose clock is off stops working until it is right, and says so', async () => {
  const get = world.app.get.bind(world.app);
  let off = 0;
  const watch = new ClockWatch(
    get(Transactions),
    get(Lifecycle),
    get(Relay),
    get(Sweeps),
    get(Log),
    get(Metrics),
    () => Date.now() + off,
  );
  const put = () => get(Transactions).run(system('test', 'test-clock'), (db) => get(Outbox).put(db, job, {}));
  const ready = async () => (await world.app.inject({ url: '/readyz' })).statusCode;
  const admin = await world.token('admin');
  const change = async () =>
    (
      await world.app.inject({
        method: 'POST',
        url: '/api/v1/tokens',
        headers: { authorization: `Bearer ${admin}` },
        payload: { name: 'clock', role: 'auditor' },
      })
    ).statusCode;

  await watch.look();
  expect(Math.abs(watch.skew!)).toBeLessThan(SECOND);
  await put();
  await until(() => ran === 1, 'work is done while the clock is right');

  for (const wrong of [6 * SECOND, -6 * SECOND]) {
    off = wrong;
    await watch.look();
    expect(Math.round(watch.skew! / SECOND)).toBe(wrong / SECOND);
    expect([await ready(), await change()]).toEqual([503, 503]);
    const [before, sweptBefore] = [ran, swept];
    await put();
    await get(Relay).idle();
    await get(Sweeps).run('test.clock-sweep');
    expect([ran, swept]).toEqual([before, sweptBefore]);
    expect(await get(OutboxRows).due(world.clock.now())).toBe(1);

    off = 4 * SECOND; // within what is borne
    await watch.look();
    await until(() => ran === before + 1, 'what waited is done');
    expect([await ready(), await change()]).toEqual([200, 201]);
  }
  expect(world.log.text).toContain('clock-skew');
});
