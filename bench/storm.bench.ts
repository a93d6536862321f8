import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { Agent, request } from 'undici';
import type { SignalType } from '../src/domain/signals/signal.rules.ts';
import { SignalsService } from '../src/domain/signals/signals.service.ts';
import { SubscriptionsService } from '../src/domain/signals/subscriptions.service.ts';
import { newId, type Id } from '../src/kernel/ids.ts';
import { system } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { iso, SECOND } from '../src/kernel/time.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import { benchApp } from './app.ts';
import type { BenchPlace } from './place.ts';
import { percentile } from './statistics.ts';

const BY = system('bench', 'bench-storm');
/** Deliveries that one transaction publishes. */
const TOGETHER = 500;
const ALONE = 200;

/** An endpoint: counts what it is sent, and says what it is told to say. */
class Peer {
  received = 0;
  status = 204;
  onReceived: () => void = () => undefined;
  readonly #server: Server = createServer((incoming, answer) => {
    incoming.resume();
    incoming.on('end', () => {
      this.received++;
      this.onReceived();
      answer.writeHead(this.status).end();
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/**
 * 10,000 deliveries for an endpoint that fails, published within seconds: what they cost in attempts, what another endpoint
 * feels of it, and how fast they drain when the endpoint takes them again; beside a bare loop of requests to the same peer.
 */
export async function stormBench(place: BenchPlace): Promise<void> {
  const size = place.quick ? 2000 : 10_000;
  const [failing, healthy] = [await new Peer().start(), await new Peer().start()];
  const world = await benchApp(place, {
    name: 'storm',
    settings: {
      COUNTERSIGN_PUBLIC_URL: 'https://countersign.example',
      COUNTERSIGN_OUTBOUND_ALLOW: `${failing.host},${healthy.host}`,
    },
  });
  const { app, admin } = world;
  try {
    const { partyId, integrationId } = await seed(admin);
    const subscribe = async (peer: Peer, event: SignalType): Promise<Id> => {
      const input = { partyId, name: event, url: `http://${peer.host}/hook`, events: [event] };
      const made = await app.get(SubscriptionsService).create({ ...input, signing: 'v1' }, BY);
      return expectOk(made).subscription.id;
    };
    const failingId = await subscribe(failing, 'case.opened');
    await subscribe(healthy, 'case.moved');
    const publish = (type: SignalType, count: number) =>
      app.get(Transactions).run(BY, (db) =>
        app.get(SignalsService).publish(
          db,
          Array.from({ length: count }, (_, number) => ({
            type,
            at: Date.now(),
            integrationIds: [integrationId],
            facts: { number },
          })),
        ),
      );
    /** From the commit of each to the healthy peer, one after the other, in ms. */
    const felt = async (count: number): Promise<number[]> => {
      const waits: number[] = [];
      for (let n = 0; n < count; n++) {
        let came = 0;
        const arrived = new Promise<void>((resolve) => {
          healthy.onReceived = () => {
            came = performance.now();
            resolve();
          };
        });
        await publish('case.moved', 1);
        const committed = performance.now();
        await arrived;
        waits.push(Math.max(0, came - committed));
      }
      return waits;
    };

    await felt(20);
    const calm = await felt(ALONE);
    failing.status = 500;
    const began = performance.now();
    const published = (async () => {
      for (let done = 0; done < size; done += TOGETHER)
        await publish('case.opened', Math.min(TOGETHER, size - done));
      return performance.now() - began;
    })();
    const stormy = await felt(ALONE);
    const publishing = await published;
    await delay(Math.max(0, 10 * SECOND - (performance.now() - began)));
    const attempts = failing.received;
    place.figure(`${size} deliveries to a peer that fails: published in`, publishing / SECOND, 's');
    place.figure(`${size} deliveries to a peer that fails: attempts in 10 s`, attempts, '');
    place.figure('attempts for each delivery that waits', attempts / size, '×');
    for (const rank of [50, 99]) {
      place.figure(`another endpoint, alone, p${rank}`, percentile(calm, rank), 'ms');
      place.figure(`another endpoint, in the storm, p${rank}`, percentile(stormy, rank), 'ms');
      place.figure(`in the storm to alone, p${rank}`, percentile(stormy, rank) / percentile(calm, rank), '×');
    }

    failing.status = 204;
    const before = failing.received;
    const reached = new Promise<void>((resolve) => {
      failing.onReceived = () => failing.received - before >= size && resolve();
    });
    const drains = performance.now();
    expectOk(await app.get(SubscriptionsService).edit(failingId, 'any', { state: 'enabled' }, BY));
    await Promise.race([
      reached,
      delay(900 * SECOND, undefined, { ref: false }).then(() => {
        throw new Error('storm: it did not drain in 15 minutes');
      }),
    ]);
    const rate = size / ((performance.now() - drains) / SECOND);
    const bare = await bareRate(failing, Math.min(size, 5000));
    place.figure('drained, a second', rate, 'deliveries');
    place.figure('a bare loop of requests, 16 at once, a second', bare, 'requests');
    place.figure('drained to the bare loop', rate / bare, '×');
    await delay(SECOND);
    const { rows } = await admin.query<{ state: string; number: number }>(
      `SELECT state, count(*)::int AS number FROM subscription_delivery WHERE subscription_id = $1 GROUP BY state`,
      [failingId],
    );
    const delivered = rows.find(({ state }) => state === 'delivered')?.number ?? 0;
    place.figure('not recorded as delivered', size - delivered, 'deliveries');
    place.figure('sent twice', failing.received - before - size - Math.min(size, 5000), 'deliveries');
  } finally {
    await world.close();
    await failing.stop();
    await healthy.stop();
  }
}

/** Requests a second to the same peer without the product, of the same size and as many at once. */
async function bareRate(peer: Peer, count: number): Promise<number> {
  const agent = new Agent({ connections: 16 });
  const body = JSON.stringify({ type: 'case.opened', data: 'x'.repeat(250) });
  let left = count;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (left-- > 0) {
        const answer = await request(`http://${peer.host}/bare`, { method: 'POST', body, dispatcher: agent });
        await answer.body.dump();
      }
    }),
  );
  const seconds = (performance.now() - began) / SECOND;
  await agent.close();
  return count / seconds;
}

async function seed(admin: pg.Client): Promise<{ partyId: Id; integrationId: Id }> {
  const [partyId, integrationId, now] = [newId(), newId(), iso(Date.now())];
  await admin.query(
    `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, 'PTY-S-1', 'Party', $2, $2)`,
    [partyId, now],
  );
  await admin.query(
    `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, 'INT-S-1', 'Integration', $2, $2)`,
    [integrationId, now],
  );
  await admin.query(
    `INSERT INTO integration_party (integration_id, party_id, party_name, role) VALUES ($1, $2, 'Party', 'customer')`,
    [integrationId, partyId],
  );
  return { partyId, integrationId };
}
