import { createHash, createHmac, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import Fastify from 'fastify';
import { Agent, request } from 'undici';
import { newId } from '../src/kernel/ids.ts';
import { system } from '../src/kernel/principal.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import { benchApp, benchSource } from './app.ts';
import type { BenchPlace } from './place.ts';
import { percentile } from './statistics.ts';

const BY = system('bench', 'bench');
const SIGNING = randomBytes(32);
const PER_SECOND = 100;

/** Of half a kilobyte to sixty: mostly one leak seen at a few places, now and then ten, each value of its own length. */
function bodyOf(n: number): Buffer {
  const leaks = n % 20 === 0 ? 10 : 1;
  const places = n % 10 === 3 ? 100 : (n % 4) + 1;
  return Buffer.from(
    JSON.stringify({
      type: 'exposure.reported',
      data: {
        reports: Array.from({ length: leaks }, (_, i) => ({
          ref: `${n}-${i}`,
          value: `value-${n}-${i}-${'x'.repeat(24 + (n % 7) * 200)}`,
          place: `bench:${n}`,
          foundAt: Array.from({ length: places }, (__, at) => ({
            type: 'commit',
            url: `https://git.example/group/project/-/commit/${n}/${'c'.repeat(n % 400)}`,
            path: `src/file-${i}.ts`,
            line: at,
          })),
        })),
      },
    }),
  );
}

/**
 * The answer to valid reports at a hundred deliveries a second, whenever the one before was answered, with what the same
 * load costs a server that does nothing but commit one row for each: the same HTTP, the same pool, the same database.
 */
export async function intakeBench(place: BenchPlace): Promise<void> {
  const seconds = Number(process.env['BENCH_INTAKE_SECONDS'] ?? (place.quick ? 5 : 20));
  const world = await benchApp(place, { name: 'intake' });
  const { app, url, admin } = world;
  const bare = Fastify();
  const agent = new Agent({ connections: 64 });
  try {
    await admin.query(
      `CREATE TABLE bench_delivery (id uuid PRIMARY KEY, hash bytea NOT NULL, size int NOT NULL)`,
    );
    await admin.query(`GRANT INSERT ON bench_delivery TO countersign_app`);
    const transactions = app.get(Transactions);
    bare.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
    bare.removeContentTypeParser('application/json');
    bare.post('/', async (asked, answer) => {
      const body = asked.body as Buffer;
      await transactions.run(BY, (db) =>
        db.query(`INSERT INTO bench_delivery (id, hash, size) VALUES ($1, $2, $3)`, [
          newId(),
          createHash('sha256').update(body).digest(),
          body.length,
        ]),
      );
      return answer.status(202).send({});
    });
    const bareUrl = await bare.listen({ port: 0, host: '127.0.0.1' });
    await benchSource(world, {
      key: 'finder',
      kind: 'standard-webhooks',
      name: 'Finder',
      keys: [`whsec_${SIGNING.toString('base64')}`],
      quotaPerHour: 10_000_000,
    });

    const send = async (to: string, body: Buffer, id: string): Promise<number> => {
      const at = String(Math.floor(Date.now() / 1000));
      const signature = createHmac('sha256', SIGNING).update(`${id}.${at}.`).update(body).digest('base64');
      const began = performance.now();
      const answer = await request(to, {
        method: 'POST',
        dispatcher: agent,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': at,
          'webhook-signature': `v1,${signature}`,
        },
        body,
      });
      await answer.body.dump();
      if (answer.statusCode !== 202) throw new Error(`${to}: ${answer.statusCode}`);
      return performance.now() - began;
    };
    /** Open loop: the next one does not wait for the last. */
    const load = async (to: string, from: number, count: number) => {
      const began = performance.now();
      const answers: Promise<number>[] = [];
      for (let n = 0; n < count; n++) {
        const wait = began + (n * 1000) / PER_SECOND - performance.now();
        if (wait > 0) await delay(wait);
        answers.push(send(to, bodyOf(from + n), `msg-${from + n}`));
      }
      return Promise.all(answers);
    };
    const intake = `${url}/api/v1/intake/finder`;
    await load(bareUrl, 0, PER_SECOND);
    await load(intake, 0, PER_SECOND);
    const inserted: number[] = [];
    const received: number[] = [];
    // By turns, so that whatever else the machine does meets both.
    for (let second = 0; second < seconds; second++) {
      const from = (second + 1) * PER_SECOND;
      inserted.push(...(await load(bareUrl, from, PER_SECOND)));
      received.push(...(await load(intake, from, PER_SECOND)));
    }
    const both = (name: string, of: readonly number[]) => {
      place.figure(`${name}, p50`, percentile(of, 50), 'ms');
      place.figure(`${name}, p99`, percentile(of, 99), 'ms');
    };
    both('a bare insert over HTTP at 100/s', inserted);
    both('202 to a valid report at 100/s, mixed sizes', received);
    place.figure(
      'p99 of the 202 to the p99 of the bare insert (goal at most 5)',
      percentile(received, 99) / percentile(inserted, 99),
      '×',
    );
  } finally {
    await agent.close();
    await bare.close();
    await world.close();
  }
}
