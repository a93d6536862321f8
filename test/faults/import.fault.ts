import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { Importer } from '../../src/domain/portfolio/importer.ts';
import { ImportsService } from '../../src/domain/portfolio/imports.service.ts';
import { StaleImportsSweep } from '../../src/domain/portfolio/stale-imports.sweep.ts';
import { system } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { MINUTE } from '../../src/kernel/time.ts';
import { startApp, until } from '../support/app.ts';
import { cloneDatabase, type TestDatabase } from '../support/postgres-template.ts';

// An import ends whole or not at all, whatever ends the process. The commands and the server are the built ones.

const root = join(import.meta.dirname, '..', '..');
const by = system('test', 'test');
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

const INTEGRATIONS = 600;

function portfolio(): string {
  const lines: object[] = ['a', 'b'].map((key) => ({ kind: 'party', key, name: `Party ${key}` }));
  for (let n = 0; n < INTEGRATIONS; n++) {
    lines.push(
      {
        kind: 'integration',
        key: `i${n}`,
        name: `Integration ${n}`,
        parties: ['a=supplier', 'b=customer'],
        matrix: [{ duty: 'storage', accountable: 'b', performing: ['b'] }],
      },
      {
        kind: 'credential',
        key: `c${n}`,
        integration: `i${n}`,
        name: `Credential ${n}`,
        type: 'api_key',
        issuer: 'a',
        verifier: 'a',
        holders: ['b'],
      },
      { kind: 'credentialVersion', credential: `c${n}`, number: 1, supplierId: `s${n}` },
    );
  }
  return lines.map((line) => JSON.stringify(line)).join('\n');
}

async function place(): Promise<{ database: TestDatabase; data: string; file: string }> {
  const database = await cloneDatabase();
  undo.push(() => database.drop());
  const data = await mkdtemp(join(tmpdir(), 'countersign-import-'));
  undo.push(() => rm(data, { recursive: true, force: true }));
  const file = join(data, 'portfolio.jsonl');
  await writeFile(file, portfolio());
  return { database, data, file };
}

function run(
  file: string,
  args: string[],
  at: { database: TestDatabase; data: string },
): { child: ChildProcess; ended: Promise<unknown>; text: () => string } {
  const child = spawn(process.execPath, [join(root, 'dist/src', file), ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      DATABASE_URL: at.database.url,
      COUNTERSIGN_DATA: at.data,
      COUNTERSIGN_PORT: '0',
      COUNTERSIGN_QUEUE: 'off',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(child, 'close');
  undo.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, text: () => text };
}

async function rows<T extends object>(database: TestDatabase, sql: string): Promise<T[]> {
  const client = new Client(database.adminUrl);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

const STORED = [
  'party',
  'integration',
  'integration_party',
  'matrix_version',
  'credential',
  'credential_use',
  'credential_version',
];
const STAGED = ['staging_row', 'staging_key', 'staging_change', 'staging_problem'];
async function countsOf(database: TestDatabase, tables: readonly string[]): Promise<Record<string, number>> {
  const [found] = await rows<Record<string, number>>(
    database,
    `SELECT ${tables.map((table) => `(SELECT count(*)::int FROM ${table}) AS ${table}`).join(', ')}`,
  );
  return found ?? {};
}
const nothing = (tables: readonly string[]) => Object.fromEntries(tables.map((table) => [table, 0]));
const everything = {
  party: 2,
  integration: INTEGRATIONS,
  integration_party: 2 * INTEGRATIONS,
  matrix_version: INTEGRATIONS,
  credential: INTEGRATIONS,
  credential_use: INTEGRATIONS,
  credential_version: INTEGRATIONS,
};

async function stateOf(database: TestDatabase): Promise<string | undefined> {
  const [job] = await rows<{ state: string }>(database, 'SELECT state FROM import_job ORDER BY id LIMIT 1');
  return job?.state;
}

describe('a process that is killed while it imports', () => {
  test.each(['reading', 'applying'])(
    'from the command line, %s: nothing is stored, and the job says so with its mend',
    async (state) => {
      const at = await place();
      const first = run('cli.js', ['import', at.file], at);
      await until(
        async () => (await stateOf(at.database)) === state || first.child.exitCode !== null,
        `it is ${state}`,
        50_000,
      );
      first.child.kill('SIGKILL');
      await first.ended;
      expect({ state: await stateOf(at.database), said: first.text() }).toMatchObject({
        state: expect.stringMatching(/reading|checking|applying/),
      });
      expect(await countsOf(at.database, STORED)).toEqual(nothing(STORED));

      // Its process is dead, and after two minutes without a sign of life that is certain.
      const world = await startApp({ database: at.database, config: { dataFolder: at.data, queue: 'off' } });
      undo.push(() => world.close());
      await world.app.get(StaleImportsSweep).sweep(by);
      expect(await stateOf(at.database)).not.toBe('failed');
      world.clock.advance(3 * MINUTE);
      await world.app.get(StaleImportsSweep).sweep(by);
      const [job] = await rows(at.database, 'SELECT state, failure, mend FROM import_job');
      expect(job).toEqual({
        state: 'failed',
        failure: 'the process that ran the import ended before it was done',
        mend: 'Nothing of the file was stored. Import it again.',
      });
      expect(await countsOf(at.database, STAGED)).toEqual(nothing(STAGED));

      const again = expectOk(
        await world.app
          .get(ImportsService)
          .runFile(
            at.file,
            { source: 'import', format: 'jsonl', kind: null, fileName: '', dryRun: false, partial: false },
            by,
            () => {},
          ),
      );
      expect(again.job).toMatchObject({ state: 'done', problems: 0 });
      expect(await countsOf(at.database, STORED)).toEqual(everything);
    },
  );

  test('as a server: the next one takes the upload up and ends it, once', async () => {
    const at = await place();
    const world = await startApp({
      database: at.database,
      config: { dataFolder: at.data, queue: 'off' },
      settings: { duties: { serves: true, works: false } },
    });
    const accepted = expectOk(
      await world.app
        .get(ImportsService)
        .accept(
          { source: 'import', format: 'jsonl', kind: null, fileName: '', dryRun: false, partial: false },
          createReadStream(at.file),
          by,
        ),
    );
    await world.app.close();
    expect(readdirSync(join(at.data, 'imports'))).toEqual([`${accepted.id}.jsonl`]);

    const first = run('main.js', [], at);
    await until(
      async () => (await stateOf(at.database)) === 'applying' || first.child.exitCode !== null,
      'it is applying',
      50_000,
    );
    first.child.kill('SIGKILL');
    await first.ended;
    expect({ state: await stateOf(at.database), said: first.text() }).toMatchObject({ state: 'applying' });
    expect(await countsOf(at.database, STORED)).toEqual(nothing(STORED));

    const second = run('main.js', [], at);
    await until(
      async () => (await stateOf(at.database)) === 'done' || second.child.exitCode !== null,
      'the import is done',
      55_000,
    );
    expect({ state: await stateOf(at.database), said: second.text() }).toMatchObject({ state: 'done' });
    expect(await countsOf(at.database, STORED)).toEqual(everything);
    expect(
      await rows(at.database, `SELECT count(*)::int AS n FROM ledger_entry WHERE kind = 'import.applied'`),
    ).toEqual([{ n: 1 }]);
    await until(
      () => !existsSync(join(at.data, 'imports', `${accepted.id}.jsonl`)),
      'the upload is removed',
      10_000,
    );
  });
});

/** An application whose work nobody does but the test, and an import that it accepted. */
async function accepted() {
  const at = await place();
  const world = await startApp({
    database: at.database,
    config: { dataFolder: at.data, queue: 'off' },
    settings: { duties: { serves: true, works: false } },
  });
  undo.push(() => world.close());
  const imports = world.app.get(ImportsService);
  const { id } = expectOk(
    await imports.accept(
      { source: 'import', format: 'jsonl', kind: null, fileName: '', dryRun: false, partial: false },
      createReadStream(at.file),
      by,
    ),
  );
  return { ...at, world, imports, id, work: () => imports.work(id, by, { last: false }) };
}

async function storedOnce(database: TestDatabase): Promise<void> {
  expect(await stateOf(database)).toBe('done');
  expect(await countsOf(database, STORED)).toEqual(everything);
  expect(await countsOf(database, STAGED)).toEqual(nothing(STAGED));
  expect(
    await rows(database, `SELECT count(*)::int AS n FROM ledger_entry WHERE kind = 'import.applied'`),
  ).toEqual([{ n: 1 }]);
}

describe('two workers with one job: the one that was taken for dead changes nothing', () => {
  test('whichever it is', async () => {
    const { database, work } = await accepted();
    await Promise.all([work(), work()]);
    await storedOnce(database);
  });

  test.each(['has only begun', 'has ended'])('where the other %s', async (how) => {
    const { database, world, work } = await accepted();
    const importer = world.app.get(Importer);
    const run = importer.run.bind(importer);
    importer.run = async (...task) => {
      importer.run = run;
      if (how === 'has ended') await work();
      else await rows(database, `UPDATE import_job SET run_id = gen_random_uuid()`);
      return run(...task);
    };
    await work();
    await work();
    await storedOnce(database);
  });
});

test('an upload that is gone fails the job with its mend', async () => {
  const { imports, id, work } = await accepted();
  await imports.spool.remove(`${id}.jsonl`);
  await work();
  expect(await imports.get(id, by)).toMatchObject({
    state: 'failed',
    mend: 'Let web and worker processes share one data folder, then import the file again.',
  });
});
