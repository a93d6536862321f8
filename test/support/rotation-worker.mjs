// A worker process for tests that kill it: the compiled application, which runs steps and listens to nobody. It dies by its
// own hand around the transaction that brings one rotation into one state. Arguments: database URL, data folder, host that
// may be dialled. It starts once a line tells it how it dies: rotation, state (or '-'), 'before' or 'after' the commit.
import 'reflect-metadata';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const [url, data, allow] = process.argv.slice(2);
const from = (path) => import(new URL(`../../dist/src/${path}`, import.meta.url).href);
const { createApp } = await from('create-app.js');
const { parseConfig } = await from('platform/config/config.js');
const { Transactions } = await from('platform/database/transactions.js');

const [line] = await once(createInterface({ input: process.stdin }), 'line');
const [rotation, state, when] = line.split(' ');

const die = () => process.kill(process.pid, 'SIGKILL');
const run = Transactions.prototype.run;
const stateIn = async (db) =>
  (await db.query(`SELECT state FROM rotation WHERE id = $1`, [rotation]))[0]?.state;
if (state !== '-') {
  Transactions.prototype.run = async function (principal, work) {
    // The state as whoever is of the installation sees it: other principals may not see the row at all.
    if (principal.partyId !== null) return run.call(this, principal, work);
    let reached = false;
    const result = await run.call(this, principal, async (db) => {
      const done = await work(db);
      reached = (await stateIn(db)) === state;
      if (reached && when === 'before') die();
      return done;
    });
    if (reached && when === 'after') die();
    return result;
  };
}

const config = parseConfig({
  NODE_ENV: 'test',
  COUNTERSIGN_DATA: data,
  DATABASE_URL: url,
  COUNTERSIGN_INSECURE_COOKIES: 'true',
  COUNTERSIGN_ROLE: 'worker',
  COUNTERSIGN_QUEUE: 'off',
});
if (!config.ok) throw new Error(JSON.stringify(config.error));
const app = await createApp({ config: { ...config.value, logLevel: 'silent', outboundAllow: [allow] } });
process.on('SIGTERM', () => void stop());
async function stop() {
  await app.close();
  process.exit(0);
}
process.stdout.write('ready\n');
