import { Writable } from 'node:stream';
import { tmpdir } from 'node:os';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp, type AppSettings } from '../../src/create-app.ts';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { system, type Role } from '../../src/kernel/principal.ts';
import { newId } from '../../src/kernel/ids.ts';
import { HOUR, type Millis } from '../../src/kernel/time.ts';
import { Clock } from '../../src/platform/clock/clock.ts';
import { parseConfig, type Config } from '../../src/platform/config/config.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { cloneDatabase, type TestDatabase } from './postgres-template.ts';

/** A clock that stands still until a test moves it. Starts at the machine's time, so that leases and due times agree. */
export class TestClock extends Clock {
  #at: Millis = Date.now();
  override now(): Millis {
    return this.#at;
  }
  advance(by: Millis): void {
    this.#at += by;
  }
}

const NOBODY_MEANT = /a request ended in an unknown error|took locks crosswise/;

/** Collects log lines, so that a test can say what was logged and what never was. */
export class LogLines extends Writable {
  readonly lines: string[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const lines = chunk.toString('utf8').split('\n').filter(Boolean);
    this.lines.push(...lines);
    // No test asks for such a line: whoever reads why one failed finds it beside the failure.
    for (const line of lines) if (NOBODY_MEANT.test(line)) process.stderr.write(`${line}\n`);
    done();
  }
  get text(): string {
    return this.lines.join('\n');
  }
}

export interface TestApp {
  app: NestFastifyApplication;
  database: TestDatabase;
  clock: TestClock;
  log: LogLines;
  config: Config;
  /** Looks at rows, or sets what no address sets, with the rights of the application. */
  sql<T extends object>(text: string, parameters?: unknown[]): Promise<T[]>;
  /** An API token of that role. */
  token(role: Role, partyId?: string): Promise<string>;
  close(): Promise<void>;
}

export function testConfig(database: TestDatabase, more: Partial<Config> = {}): Config {
  const config = expectOk(
    parseConfig({
      NODE_ENV: 'test',
      // One folder a database: the copies of a ledger's checkpoints are not another ledger's.
      COUNTERSIGN_DATA: `${tmpdir()}/countersign-test-data-${process.pid}${new URL(database.url).pathname.replace('/', '-')}`,
      DATABASE_URL: database.url,
      COUNTERSIGN_INSECURE_COOKIES: 'true',
    }),
  );
  // With COUNTERSIGN_TEST_REDIS the same tests run on Redis; each Jest worker has a database of its own there.
  const redis = process.env['COUNTERSIGN_TEST_REDIS'];
  const redisUrl = redis === undefined ? undefined : `${redis}/${process.env['JEST_WORKER_ID'] ?? 0}`;
  return { ...config, logLevel: 'debug', ...(redisUrl === undefined ? {} : { redisUrl }), ...more };
}

/** The whole application on a database of its own, not listening: requests go in through `app.inject`. */
export async function startApp(
  o: { config?: Partial<Config>; database?: TestDatabase; settings?: Partial<AppSettings> } = {},
): Promise<TestApp> {
  const database = o.database ?? (await cloneDatabase());
  const clock = new TestClock();
  const log = new LogLines();
  const config = testConfig(database, o.config);
  const app = await createApp({ config, clock, logTo: log, ...o.settings });
  return {
    app,
    database,
    clock,
    log,
    config,
    sql: (text, parameters = []) =>
      app.get(Transactions).run(system('test', 'test'), (db) => db.query(text, parameters)),
    async token(role, partyId) {
      const made = await app.get(AccessService).createToken(
        { name: role, role, partyId: partyId ?? null, expiresAt: clock.now() + 1000 * HOUR },
        // Each by a hand of its own: a test that means two tokens of one person says so.
        system(newId(), 'test'),
      );
      return expectOk(made).value.use((value) => value);
    },
    async close() {
      await app.close();
      if (!o.database) await database.drop();
    },
  };
}

/** Waits until a state is reached, looking at it again and again. @throws Error after `limit` milliseconds */
export async function until(
  reached: () => boolean | Promise<boolean>,
  what: string | (() => string),
  limit: Millis = 90_000,
  every: Millis = 25,
): Promise<void> {
  const end = performance.now() + limit;
  while (!(await reached())) {
    if (performance.now() > end)
      throw new Error(`never reached: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
