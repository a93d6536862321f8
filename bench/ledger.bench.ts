import { hash } from 'node:crypto';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/data-source.ts';
import { LedgerService, type LedgerInput } from '../src/domain/ledger/ledger.service.ts';
import { PostgresLedger } from '../src/domain/ledger/postgres-ledger.ts';
import { Sequencer } from '../src/domain/ledger/sequencer.ts';
import { newId } from '../src/kernel/ids.ts';
import { checkLedger } from '../src/kernel/ledger-check.ts';
import { system } from '../src/kernel/principal.ts';
import { Transactions, type Db } from '../src/platform/database/transactions.ts';
import type { BenchPlace } from './place.ts';
import { median } from './statistics.ts';

const WRITERS = 8;
const BATCH = 1000;

/** What the record costs who writes it, and how fast all of it is checked again. */
export async function ledgerBench(place: BenchPlace): Promise<void> {
  const dataSource = await new DataSource(dataSourceOptions(place.appUrl, { max: WRITERS + 2 })).initialize();
  const admin = await new DataSource(dataSourceOptions(place.adminUrl, { max: 2 })).initialize();
  const transactions = new Transactions(dataSource);
  const ledger = new LedgerService();
  const by = system('bench', newId());
  const entry = (n: number): LedgerInput => ({
    kind: 'credential.moved',
    subject: { kind: 'credential', id: newId() },
    by,
    at: Date.now(),
    facts: {
      reference: `CRD-2026-${n}`,
      integrationId: INTEGRATION,
      from: 'active',
      to: 'retired',
      rowVersion: n,
    },
  });
  try {
    await admin.query(`CREATE TABLE bench_thing (id int PRIMARY KEY, state text NOT NULL, at timestamptz NOT NULL);
      GRANT SELECT, INSERT, UPDATE ON bench_thing TO countersign_app`);
    let made = 0;
    /** A change as the product makes them: one is read and locked, judged, written, and what follows from it is noted. */
    const change = async (db: Db, records: boolean) => {
      const n = ++made;
      await db.query(`INSERT INTO bench_thing VALUES ($1, 'active', now())`, [n]);
      await db.query(`SELECT state FROM bench_thing WHERE id = $1 FOR NO KEY UPDATE`, [n]);
      await db.query(`UPDATE bench_thing SET state = 'retired', at = now() WHERE id = $1`, [n]);
      if (records) await ledger.append(db, entry(n));
    };
    const changes = async (count: number, records: boolean) => {
      const started = performance.now();
      let left = count;
      await Promise.all(
        Array.from({ length: WRITERS }, async () => {
          while (left-- > 0) await transactions.run(by, (db) => change(db, records));
        }),
      );
      return count / ((performance.now() - started) / 1000);
    };
    const count = place.quick ? 1500 : 4000;
    await changes(500, true);
    const bare: number[] = [];
    const recorded: number[] = [];
    for (let round = 0; round < (place.quick ? 3 : 5); round++) {
      bare.push(await changes(count, false));
      recorded.push(await changes(count, true));
    }
    place.figure(
      `transactions of three statements, ${WRITERS} writers, without an entry`,
      median(bare),
      '/s',
    );
    place.figure('the same with their ledger entry', median(recorded), '/s');
    place.figure(
      'time with an entry to time without (goal at most 1.15)',
      median(bare) / median(recorded),
      '×',
    );

    const many = place.quick ? 50_000 : 200_000;
    const appended = performance.now();
    for (let from = 0; from < many; from += BATCH) {
      const inputs = Array.from({ length: BATCH }, (_, n) => entry(from + n));
      await transactions.run(by, (db) => ledger.append(db, inputs));
    }
    place.figure(
      `entries appended in batches of ${BATCH}`,
      many / ((performance.now() - appended) / 1000),
      '/s',
    );
    const sequencer = new Sequencer(transactions);
    const sequenced = performance.now();
    let placed = 0;
    while (placed < many) placed += await sequencer.sequence();
    place.figure('entries given their places', placed / ((performance.now() - sequenced) / 1000), '/s');

    const bodies = await admin.query<{ body: string }[]>(`SELECT body FROM ledger_entry LIMIT 50000`);
    const rates = { raw: [] as number[], verified: [] as number[] };
    const cpu = { raw: [] as number[], verified: [] as number[] };
    for (let round = 0; round < 3; round++) {
      const hashed = performance.now();
      const idle = process.cpuUsage();
      for (const { body } of bodies) hash('sha256', body);
      rates.raw.push(bodies.length / ((performance.now() - hashed) / 1000));
      cpu.raw.push(microseconds(idle) / bodies.length);
      const started = performance.now();
      const before = process.cpuUsage();
      const verdict = await PostgresLedger.read(dataSource, (source) =>
        checkLedger({ source, outside: [], verifiers: [] }),
      );
      if (!verdict.sound || verdict.entries < many) throw new Error(JSON.stringify(verdict.first));
      cpu.verified.push(microseconds(before) / verdict.entries);
      rates.verified.push(verdict.entries / ((performance.now() - started) / 1000));
    }
    place.figure('raw SHA-256 of the same bytes, in memory', median(rates.raw), '/s');
    place.figure('entries verified from the database', median(rates.verified), '/s');
    place.figure(
      'verified to raw SHA-256 (goal at least 0.35)',
      median(rates.verified) / median(rates.raw),
      '×',
    );
    place.figure('CPU of this process for each entry verified', median(cpu.verified), 'µs');
    place.figure('raw SHA-256 to verified, by that CPU', median(cpu.raw) / median(cpu.verified), '×');
  } finally {
    await admin.query('DROP TABLE IF EXISTS bench_thing');
    await admin.destroy();
    await dataSource.destroy();
  }
}

const INTEGRATION = newId();

function microseconds(since: NodeJS.CpuUsage): number {
  const { user, system: kernel } = process.cpuUsage(since);
  return user + kernel;
}
