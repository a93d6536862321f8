import { PassThrough } from 'node:stream';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/data-source.ts';
import { LedgerService } from '../../src/domain/ledger/ledger.service.ts';
import type { Action, SelectedItem } from '../../src/domain/runbooks/action.ts';
import { Actions, Selectors } from '../../src/domain/runbooks/catalogue.ts';
import { EngineParts } from '../../src/domain/runbooks/engine.assembly.ts';
import type { Selector } from '../../src/domain/runbooks/selector.ts';
import { newId } from '../../src/kernel/ids.ts';
import { system, type Principal } from '../../src/kernel/principal.ts';
import { Clock } from '../../src/platform/clock/clock.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { createLog } from '../../src/platform/log/log.ts';
import { Outbox } from '../../src/platform/outbox/outbox.ts';
import { ApprovalAction } from '../../src/plugins/actions/approval/approval.action.ts';
import { ManualTaskAction } from '../../src/plugins/actions/manual-task/manual-task.action.ts';
import { NoOpAction } from '../../src/plugins/actions/no-op/no-op.action.ts';
import { WaitAction } from '../../src/plugins/actions/wait/wait.action.ts';

/** A clock that stands still until it is moved. */
export class HandClock extends Clock {
  constructor(public at = Date.parse('2026-11-22T09:00:00Z')) {
    super();
  }
  override now(): number {
    return this.at;
  }
}

/** Fans out over as many numbered things as the input says (`count`, `per` children each), riskiest first. */
export class CountSelector implements Selector {
  readonly title = 'Numbered things';
  constructor(
    readonly name = 'numbers',
    private readonly shape: (
      n: number,
      input: Readonly<Record<string, unknown>>,
    ) => Partial<SelectedItem> = () => ({}),
    private readonly countKey = 'count',
  ) {}

  async page(
    _db: Db,
    request: Parameters<Selector['page']>[1],
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const total = Number(request.input[this.countKey] ?? 0);
    const from = Number(request.cursor ?? 0);
    const to = Math.min(total, from + request.limit);
    const items = Array.from({ length: to - from }, (_, i): SelectedItem => {
      const n = from + i;
      return {
        key: `n${n}`,
        label: `Thing ${n}`,
        subject: { kind: 'thing', id: newId() },
        facts: {},
        priority: Math.max(0, 1000 - n),
        ...this.shape(n, request.input),
      };
    });
    return { items, next: to < total ? String(to) : null };
  }

  async count(_db: Db, request: { input: Readonly<Record<string, unknown>> }): Promise<number> {
    return Number(request.input[this.countKey] ?? 0);
  }
}

export const STAFF: Principal = {
  kind: 'user',
  id: 'u-1',
  personId: '018f0000-0000-7000-8000-000000000001',
  roles: ['responder'],
  partyId: null,
  correlationId: 'test-correlation',
};

export interface EngineWorld {
  parts: EngineParts;
  clock: Clock;
  transactions: Transactions;
  db: <T>(work: (db: Db) => Promise<T>) => Promise<T>;
  /** Starts a run of a definition given as YAML steps. */
  run(steps: string, input?: Record<string, unknown>, by?: Principal): Promise<string>;
  rows<T extends object>(sql: string, params?: unknown[]): Promise<T[]>;
  close(): Promise<void>;
}

/** An engine on a database of the test's own, with the actions and selectors that the test gives it. */
export async function engineWorld(
  url: string,
  o: {
    actions?: readonly Action[];
    selectors?: readonly Selector[];
    clock?: Clock;
    start?: boolean;
    max?: number;
  } = {},
): Promise<EngineWorld> {
  const dataSource = await new DataSource(dataSourceOptions(url, { max: o.max ?? 6 })).initialize();
  const clock = o.clock ?? new HandClock();
  const transactions = new Transactions(dataSource);
  const log = createLog(
    { logLevel: process.env['COUNTERSIGN_LOG_LEVEL'] === 'debug' ? 'debug' : 'warn' },
    process.env['COUNTERSIGN_LOG_LEVEL'] ? undefined : new PassThrough().resume(),
  );
  const parts = new EngineParts({
    transactions,
    clock,
    log,
    outbox: new Outbox(clock, dataSource),
    ledger: new LedgerService(),
    actions: new Actions([
      new NoOpAction(),
      new ManualTaskAction(),
      new ApprovalAction(),
      new WaitAction(),
      ...(o.actions ?? []),
    ]),
    selectors: new Selectors([new CountSelector(), ...(o.selectors ?? [])]),
  });
  if (o.start !== false) parts.engine.start(url);
  let made = 0;
  return {
    parts,
    clock,
    transactions,
    db: (work) => transactions.run(system('test', 'test-correlation'), work),
    async run(steps, input = {}, by = STAFF) {
      const id = `book-${++made}`;
      const read = parts.runbooks.read(`id: ${id}\ntitle: Test\nversion: 1\nsteps:\n${steps}`, `${id}.yaml`);
      if ('problems' in read) throw new Error(JSON.stringify(read.problems));
      await parts.runbooks.add([{ ...read, file: `${id}.yaml` }]);
      const { runId } = await transactions.run(by, (db) =>
        parts.runs.start(db, {
          runbook: id,
          subject: { kind: 'incident', id: newId() },
          input,
          correlationId: by.correlationId,
          by,
        }),
      );
      parts.engine.wake();
      return runId;
    },
    rows: (sql, params = []) =>
      transactions.run(system('test', 'test-correlation'), (db) => db.query(sql, params)),
    async close() {
      await parts.engine.stop(2000);
      await dataSource.destroy();
    },
  };
}

/** Waits until `look` answers something true. Fails after `limit`, never by a fixed pause. */
export async function until<T>(
  look: () => Promise<T | undefined | false | null>,
  limit = 20_000,
): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error('it did not come about in time');
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
