import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { request } from 'undici';
import { createApp } from '../src/create-app.ts';
import { AccessService } from '../src/domain/access/access.service.ts';
import { system } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { ELAPSED_DAY } from '../src/kernel/time.ts';
import { parseConfig } from '../src/platform/config/config.ts';
import type { BenchPlace } from './place.ts';

const BY = system('bench', 'bench');

export interface BenchApp {
  app: NestFastifyApplication;
  url: string;
  /** As a superuser, on the same database. */
  admin: pg.Client;
  close(): Promise<void>;
}

/** The application as it runs in production, but silent, listening, with a data folder of its own. */
export async function benchApp(
  place: BenchPlace,
  o: {
    /** Of the folder, and of the database where none is given. */
    name: string;
    database?: { appUrl: string; adminUrl: string };
    settings?: Readonly<Record<string, string>>;
    /** Before the application starts. */
    seed?: (admin: pg.Client) => Promise<void>;
  },
): Promise<BenchApp> {
  const { appUrl, adminUrl } = o.database ?? (await place.database(o.name));
  const folder = await mkdtemp(join(tmpdir(), `countersign-${o.name}-bench-`));
  const config = expectOk(
    parseConfig({
      NODE_ENV: 'production',
      COUNTERSIGN_DATA: folder,
      COUNTERSIGN_LOG_LEVEL: 'silent',
      DATABASE_URL: appUrl,
      ...(place.redisUrl ? { REDIS_URL: place.redisUrl } : {}),
      ...o.settings,
    }),
  );
  const admin = new pg.Client(adminUrl);
  admin.on('error', () => {});
  await admin.connect();
  await o.seed?.(admin);
  const app = await createApp({ config });
  await app.listen(0, '127.0.0.1');
  return {
    app,
    url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`,
    admin,
    async close() {
      await app.close();
      await admin.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An API token for a day. */
export async function benchToken(
  app: NestFastifyApplication,
  may: { role: 'admin' } | { permissions: ['usage:report'] } = { role: 'admin' },
): Promise<string> {
  const wanted = { name: 'bench', ...may, partyId: null, expiresAt: Date.now() + ELAPSED_DAY };
  const made = await app.get(AccessService).createToken(wanted, BY);
  return expectOk(made).value.use((text) => text);
}

/** Opens a source of reports. */
export async function benchSource({ app, url }: BenchApp, source: Record<string, unknown>): Promise<void> {
  const made = await request(`${url}/api/v1/sources`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await benchToken(app)}`, 'content-type': 'application/json' },
    body: JSON.stringify(source),
  });
  if (made.statusCode !== 201) throw new Error(await made.body.text());
  await made.body.dump();
}
