import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { createApp, dutiesOf } from '../src/create-app.ts';
import { environmentSchema, parseConfig } from '../src/platform/config/config.ts';
import { rolesSql } from '../src/platform/database/roles.ts';
import { expectOk } from '../src/kernel/result.ts';
import { cloneDatabase, type TestDatabase } from './support/postgres-template.ts';
import { LogLines, testConfig } from './support/app.ts';

// No container engine builds these files here, so that everything that can be judged without one is.

const root = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');

interface Service {
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, unknown>;
}
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  configs: { roles: { content: string } };
  volumes: Record<string, unknown>;
};
const ours = Object.entries(compose.services).filter(([, service]) => service.build !== undefined);

/** What compose makes of `${NAME:-default}` and `${NAME:?message}` with an .env that sets nothing but the passwords. */
const substituted = (text: string) =>
  text.replaceAll(/\$\{\w+(?::-([^}]*)|:\?[^}]*)\}/g, (_, given?: string) => given ?? 'password');

const environmentOf = (service: Service) =>
  Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([name, value]) => [name, substituted(value)]),
  );

const lines = read('Dockerfile').replaceAll(/\\\n/g, ' ').split('\n');

describe('docker-compose.yml', () => {
  test('has the processes of production, and what they stand on', () => {
    expect(Object.keys(compose.services).sort()).toEqual([
      'mail',
      'migrate',
      'postgres',
      'redis',
      'web',
      'worker',
    ]);
    const redis = compose.services['redis']!.command!.join(' ');
    expect(redis).toContain('--maxmemory-policy noeviction');
    expect(redis).toContain('--appendonly yes');
    for (const { depends_on } of Object.values(compose.services)) {
      for (const name of Object.keys(depends_on ?? {})) expect(compose.services).toHaveProperty(name);
    }
  });

  test.each(ours)(
    'gives %s no variable that the configuration does not know, and none that it refuses',
    (_, service) => {
      const environment = environmentOf(service);
      expect(Object.keys(environment).filter((name) => !(name in environmentSchema.shape))).toEqual([]);
      expectOk(parseConfig(environment));
      expect(Object.values(environment).join('\n')).not.toContain('${');
    },
  );

  test('gives every process the same keys and the same database', () => {
    const [web, worker] = ['web', 'worker'].map((name) =>
      expectOk(parseConfig(environmentOf(compose.services[name]!))),
    );
    expect({ ...worker, role: 'web' }).toEqual(web);
    expect(web).toMatchObject({ production: true, role: 'web', dataFolder: '/data' });
  });

  test('makes the roles that the application asks an operator for', () => {
    const alike = (sql: string) => sql.replaceAll(/PASSWORD (:?'[\w ]+')/g, 'PASSWORD').replaceAll('"', '');
    const made = alike(compose.configs.roles.content);
    // The image's administrator is a superuser, who needs no membership to give the database away.
    const asked = alike(rolesSql('countersign'))
      .split('\n')
      .filter((statement) => !statement.includes('CURRENT_USER'));
    expect(asked.length).toBeGreaterThan(3);
    for (const statement of asked) expect(made).toContain(statement);
  });

  test('commands run files that the build makes', () => {
    for (const [, { command }] of ours) {
      const file = command?.find((word) => word.endsWith('.js'));
      if (file)
        expect(existsSync(join(root, file.replace(/^dist\//, '').replace(/\.js$/, '.ts')))).toBe(true);
    }
  });
});

describe('Dockerfile', () => {
  test('copies only what exists', () => {
    const copied = lines
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    expect(copied.length).toBeGreaterThan(4);
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const ignored = read('.dockerignore').split('\n').filter(Boolean);
    expect(copied.filter((path) => ignored.includes(path))).toEqual([]);
  });

  test('sets only variables that the configuration knows, and never runs as root', () => {
    const set = lines
      .filter((line) => line.startsWith('ENV '))
      .flatMap((line) =>
        line
          .split(/\s+/)
          .slice(1)
          .map((pair) => pair.split('=')[0]!),
      );
    expect(set.filter((name) => !(name in environmentSchema.shape))).toEqual([]);
    expect(lines.findIndex((line) => line === 'USER node')).toBeGreaterThan(
      lines.findIndex((line) => line.startsWith('COPY templates')),
    );
    expect(lines.at(-2)).toContain('dist/src/main.js');
  });

  test('runs scripts that the package has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const run = lines.flatMap((line) => [...line.matchAll(/npm run (\S+)/g)].map((match) => match[1]!));
    expect(run.length).toBeGreaterThan(0);
    expect(run.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('the configuration that they make', () => {
  let database: TestDatabase;
  let folder: string;
  beforeAll(async () => {
    database = await cloneDatabase();
    folder = await mkdtemp(join(tmpdir(), 'countersign-compose-'));
  });
  afterAll(async () => {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(['web', 'worker'] as const)(
    'boots as %s, on a database and a Redis of this test',
    async (name) => {
      const config = expectOk(parseConfig(environmentOf(compose.services[name]!)));
      const { databaseUrl, redisUrl } = testConfig(database);
      const app = await createApp({
        config: { ...config, dataFolder: folder, databaseUrl, redisUrl },
        duties: dutiesOf(config.role),
        logTo: new LogLines(),
      });
      try {
        expect((await app.inject({ url: '/readyz' })).json()).toMatchObject({ ready: true });
        // A worker answers its supervisor and nobody else.
        expect((await app.inject({ url: '/api/v1/me' })).statusCode).toBe(name === 'web' ? 401 : 404);
      } finally {
        await app.close();
      }
    },
  );
});
