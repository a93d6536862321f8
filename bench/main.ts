/**
 * `npm run bench -- [name …] [--quick]`: every bench of this folder, or those named. Absolute figures drift from machine to machine, so
 * each bench measures its own baseline in the same run and prints ratios.
 */
import 'reflect-metadata';
import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrations } from '../src/data-source.ts';
import { migrate } from '../src/platform/database/migrate.ts';
import { startLocalPostgres } from '../src/platform/embedded/local-postgres.ts';
import { dutiesBench } from './duties.bench.ts';
import { engineBench } from './engine.bench.ts';
import { importBench } from './import.bench.ts';
import { gateBench } from './gate.bench.ts';
import { intakeBench } from './intake.bench.ts';
import { kickBench } from './kick.bench.ts';
import { leakBench } from './leak.bench.ts';
import { ledgerBench } from './ledger.bench.ts';
import { massBench } from './mass.bench.ts';
import { partnerBench } from './partner.bench.ts';
import type { BenchPlace } from './place.ts';
import { stormBench } from './storm.bench.ts';
import { tellingBench } from './telling.bench.ts';
import { usageBench } from './usage.bench.ts';

const BENCHES: Readonly<Record<string, (place: BenchPlace) => Promise<void>>> = {
  leak: leakBench,
  intake: intakeBench,
  partner: partnerBench,
  kick: kickBench,
  engine: engineBench,
  ledger: ledgerBench,
  import: importBench,
  gate: gateBench,
  mass: massBench,
  usage: usageBench,
  duties: dutiesBench,
  telling: tellingBench,
  storm: stormBench,
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  const unknown = asked.filter((name) => !(name in BENCHES));
  if (unknown.length > 0)
    throw new Error(`no bench ${unknown.join(', ')}; there is ${Object.keys(BENCHES).join(', ')}`);
  const dir = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  await chmod(dir, 0o755);
  const local = await startLocalPostgres({ dir, durable: true });
  const figures: string[] = [];
  try {
    await migrate({ ownerUrl: local.url(undefined, 'countersign_owner'), migrations });
    const adminUrl = local.url(undefined, 'countersign_admin');
    const client = new Client(adminUrl);
    await client.connect();
    const { rows } = await client.query<{ version: string; fsync: string; sync: string }>(
      `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync`,
    );
    await client.end();
    const at = rows[0]!;
    process.stdout.write(
      `Node ${process.versions.node}, Postgres ${at.version}, ${cpus().length} cores, fsync ${at.fsync}, synchronous_commit ${at.sync}\n`,
    );
    for (const [name, bench] of Object.entries(BENCHES)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      process.stdout.write(`\n# ${name}\n`);
      await bench({
        appUrl: local.url(),
        adminUrl,
        async database(other) {
          const name = `bench_${other}`;
          const first = new Client(adminUrl);
          await first.connect();
          await first.query(`CREATE DATABASE ${name} OWNER countersign_owner`);
          await first.end();
          await migrate({ ownerUrl: local.url(name, 'countersign_owner'), migrations });
          return { appUrl: local.url(name), adminUrl: local.url(name, 'countersign_admin') };
        },
        redisUrl: process.env['REDIS_URL'] || process.env['COUNTERSIGN_TEST_REDIS'] || undefined,
        quick: process.argv.includes('--quick'),
        figure(label, value, unit) {
          const line = `${name}: ${label}: ${value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)} ${unit}`;
          figures.push(line);
          process.stdout.write(`${line}\n`);
        },
      });
    }
    process.stdout.write(`\n${figures.join('\n')}\n`);
  } catch (thrown) {
    // Said before the server stops under a bench that still holds connections.
    process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
    process.exitCode = 1;
  } finally {
    process.on('uncaughtException', () => {});
    await local.stop();
    await rm(dir, { recursive: true, force: true });
  }
  process.exit();
}

await main();
