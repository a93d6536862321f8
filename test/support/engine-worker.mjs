// A worker process for tests that kill it: the compiled engine with one action that leaves traces in a file, as a supplier
// would keep them. Arguments: database URL, trace file, milliseconds an effect takes, key of the item that kills (or '-').
import 'reflect-metadata';
import { appendFileSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { DataSource } from 'typeorm';
import { z } from 'zod';

const [url, traces, takes, deadly] = process.argv.slice(2);
const from = (path) => import(new URL(`../../dist/src/${path}`, import.meta.url).href);
const { dataSourceOptions } = await from('data-source.js');
const { LedgerService } = await from('domain/ledger/ledger.service.js');
const { Actions, Selectors } = await from('domain/runbooks/catalogue.js');
const { EngineParts } = await from('domain/runbooks/engine.assembly.js');
const { SystemClock } = await from('platform/clock/clock.js');
const { Transactions } = await from('platform/database/transactions.js');
const { createLog } = await from('platform/log/log.js');
const { Outbox } = await from('platform/outbox/outbox.js');

const trace = (what, key) => appendFileSync(traces, `${what} ${key} ${process.pid} ${Date.now()}\n`);

const effect = {
  name: 'effect',
  title: 'An effect outside',
  with: z.object({}),
  lease: 'short',
  timeout: 30_000,
  async run(context) {
    const key = context.item.key;
    if (context.takenOver) {
      trace('probe', key);
      if (readFileSync(traces, 'utf8').includes(`effect ${key} `)) return { answer: 'done' };
    }
    if (key === deadly) process.kill(process.pid, 'SIGKILL');
    trace('effect', key);
    await new Promise((resolve) => setTimeout(resolve, Number(takes)));
    return { answer: 'done' };
  },
};

/** As `CountSelector` of the tests. */
const numbers = {
  name: 'numbers',
  title: 'Numbers',
  async page(_db, { input, cursor, limit }) {
    const start = Number(cursor ?? 0);
    const end = Math.min(input.count, start + limit);
    const items = Array.from({ length: end - start }, (_, i) => ({
      key: `n${start + i}`,
      label: `Thing ${start + i}`,
      subject: { kind: 'thing', id: '018f0000-0000-7000-8000-00000000000a' },
      facts: {},
      priority: 500,
      lane: 'one',
    }));
    return { items, next: end < input.count ? String(end) : null };
  },
  count: async (_db, { input }) => input.count,
};

const dataSource = await new DataSource(dataSourceOptions(url, { max: 5 })).initialize();
const clock = new SystemClock();
const transactions = new Transactions(dataSource);
const parts = new EngineParts({
  transactions,
  clock,
  log: createLog({ logLevel: 'silent' }, new PassThrough().resume()),
  outbox: new Outbox(clock, dataSource),
  ledger: new LedgerService(),
  actions: new Actions([effect]),
  selectors: new Selectors([numbers]),
});
parts.engine.start(url);
process.on('SIGTERM', () => void stop());
async function stop() {
  await parts.engine.stop(5000);
  await dataSource.destroy();
  process.exit(0);
}
process.stdout.write('ready\n');
