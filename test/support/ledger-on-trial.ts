import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/data-source.ts';
import { CheckpointFolder } from '../../src/domain/ledger/checkpoint-folder.ts';
import { Checkpointer } from '../../src/domain/ledger/checkpointer.ts';
import { LedgerService, type LedgerInput } from '../../src/domain/ledger/ledger.service.ts';
import { Sequencer } from '../../src/domain/ledger/sequencer.ts';
import { verifyLedger } from '../../src/domain/ledger/verify-ledger.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import type { LedgerVerdict } from '../../src/kernel/ledger-check.ts';
import { system, type Principal } from '../../src/kernel/principal.ts';
import type { Millis } from '../../src/kernel/time.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { Keys } from '../../src/platform/signing/keys.ts';
import { cloneDatabase, type TestDatabase } from './postgres-template.ts';

export const AT: Millis = Date.parse('2026-11-22T01:00:00.000Z');

/** A ledger on a database and a data folder of its own, without the rest of the application. */
export class LedgerOnTrial {
  readonly service = new LedgerService();
  readonly transactions: Transactions;
  readonly keys: Keys;
  readonly folder: CheckpointFolder;
  readonly sequencer: Sequencer;
  readonly checkpointer: Checkpointer;
  readonly by = system('test', newId());

  private constructor(
    readonly database: TestDatabase,
    readonly dataFolder: string,
    readonly dataSource: DataSource,
  ) {
    this.transactions = new Transactions(dataSource);
    this.keys = Keys.open({ dataFolder });
    this.folder = new CheckpointFolder(dataFolder);
    this.sequencer = new Sequencer(this.transactions);
    this.checkpointer = new Checkpointer(
      this.transactions,
      new SystemClock(),
      this.keys.signer(),
      this.folder,
    );
  }

  static async open(): Promise<LedgerOnTrial> {
    const database = await cloneDatabase();
    const dataFolder = await mkdtemp(join(tmpdir(), 'cs ledger-'));
    const dataSource = await new DataSource(dataSourceOptions(database.url, { max: 12 })).initialize();
    return new LedgerOnTrial(database, dataFolder, dataSource);
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    await this.database.drop();
    await rm(this.dataFolder, { recursive: true, force: true });
  }

  run<T>(work: (db: Db) => Promise<T>, by: Principal = this.by): Promise<T> {
    return this.transactions.run(by, work);
  }

  /** Each in a transaction of its own. @returns the ids of the entries, in the order of writing */
  async write(count: number, more: Partial<LedgerInput> = {}): Promise<Id[]> {
    const ids: Id[] = [];
    for (let i = 0; i < count; i++) {
      const subject = { kind: 'credential', id: newId() };
      await this.run((db) =>
        this.service.append(db, { kind: 'credential.added', subject, by: this.by, at: AT + i, ...more }),
      );
      ids.push(await this.entryAbout((more.subject ?? subject).id));
    }
    return ids;
  }

  async entryAbout(subject: Id): Promise<Id> {
    const [row] = await this.query<{ id: Id }>(
      'SELECT id FROM ledger_entry WHERE subject_id = $1 ORDER BY n DESC LIMIT 1',
      [subject],
    );
    return row!.id;
  }

  /** Places everything and signs it. */
  async settle(): Promise<void> {
    await this.sequencer.sequence();
    await this.checkpointer.checkpoint();
  }

  /** As the installation sees it. */
  query<T>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    return this.run((db) => db.query<T[]>(sql, parameters));
  }

  /** As the owner of the tables, who can do what no application may. */
  async asOwner(...statements: string[]): Promise<void> {
    const client = new Client(this.database.ownerUrl);
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }

  verify(): Promise<LedgerVerdict> {
    return verifyLedger({
      dataSource: this.dataSource,
      dataFolder: this.dataFolder,
      vkeys: [this.keys.signer().vkey],
    });
  }
}
