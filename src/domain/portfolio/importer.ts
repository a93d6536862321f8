import { Injectable } from '@nestjs/common';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { versionAdded } from '../credentials/credentials.events.ts';
import { HOLDS_A_VALUE, knownDigests } from '../credentials/known-values.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Isolation } from '../policy/isolation.service.ts';
import { ConnectionsService } from '../revocation/connections.service.ts';
import { Presets } from '../revocation/presets.service.ts';
import type { Format } from './import.schema.ts';
import type { GivenFields } from './checks.sql.ts';
import { check, dropDependants, markBad, mergeThings, mergeVersions, type Surroundings } from './merge.ts';
import { wordOf } from './merge.tables.ts';
import { Problems } from './problems.ts';
import { readPortfolio } from './read-portfolio.ts';
import { withoutRows, type Suspect } from './stage.rules.ts';
import { clearStaging, copyRows } from './staging.ts';
import { rowsOf, type Names } from './statements.ts';

export interface ImportTask {
  jobId: Id;
  /** Of this try of the job: names its rows in staging. */
  runId: Id;
  file: string;
  format: Format;
  /** For a file of one kind. */
  kind: string | null;
  source: string;
  dryRun: boolean;
  partial: boolean;
}

export interface Counts {
  created: number;
  changed: number;
  unchanged: number;
}

export type Phase = 'reading' | 'checking' | 'applying';

export interface Progress {
  phase: Phase;
  bytesRead: number;
  rowsRead: number;
}

export interface ImportWatch {
  /** Called between pieces of work; what it does is not part of the import's transaction. */
  progress(progress: Progress): Promise<void>;
  /** Called in the transaction that commits the import: what it writes is true if, and only if, the import is. */
  commit(db: Db, outcome: ImportOutcome): Promise<void>;
  signal?: AbortSignal;
}

export interface ImportOutcome {
  /** `done`: committed, or of a dry run: it would have been. `refused`: nothing is stored. */
  state: 'done' | 'refused';
  /** The source that the document named, or the one asked for. */
  source: string;
  rowsRead: number;
  bytesRead: number;
  counts: Record<string, Counts>;
  problems: Problems;
}

/** What the first pass over a file found. */
interface ReadFile {
  rows: number;
  bytes: number;
  source: string | null;
  /** The file's own grammar broke: nothing of it is taken. */
  unreadable: boolean;
  fields: Map<string, Set<string>>;
}

/** One import commits at a time: two files that say the same would otherwise wait for each other's rows crosswise. */
const IMPORT_LOCK = 4_100_010;
/** Small, so that a chunk is garbage before it is old: memory then stays where it was. */
const LEDGER_CHUNK = 250;

/** A row of the file that was not stored before and is now; lines that only add to another thing are that thing's. */
const IS_NEW_THING = `fresh AND in_file AND id IS NOT NULL AND kind NOT IN ('matrixRow', 'term', 'edge', 'connectorPreset')`;

/** Undoes all of an import in one go. */
class Undo extends Error {}

/**
 * Brings one file into the portfolio: reads it in a stream, stages it, judges it as a whole, and merges it in one
 * transaction of set-based statements. All of it or nothing, unless `partial`.
 */
@Injectable()
export class Importer {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: Keys,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly presets: Presets,
    private readonly connections: ConnectionsService,
    private readonly isolation: Isolation,
  ) {}

  async run(task: ImportTask, by: Principal, watch: ImportWatch): Promise<ImportOutcome> {
    const run = task.runId;
    const problems = new Problems();
    try {
      const read = await this.#read(task, by, problems, watch);
      const state = {
        source: read.source ?? task.source,
        rowsRead: read.rows,
        bytesRead: read.bytes,
        problems,
      };
      if (read.unreadable) return { ...state, state: 'refused', counts: {} };
      await watch.progress({ phase: 'checking', bytesRead: read.bytes, rowsRead: read.rows });
      return await this.#merge(task, this.#about(by, read.fields), state, watch);
    } finally {
      await this.transactions.run(by, (db) => clearStaging(db, run));
    }
  }

  /** Rows go into staging batch by batch, each in a short transaction: reading waits for writing, and memory stays flat. */
  async #read(task: ImportTask, by: Principal, problems: Problems, watch: ImportWatch): Promise<ReadFile> {
    const seen = {
      rows: 0,
      bytes: 0,
      source: null as string | null,
      unreadable: false,
      fields: new Map<string, Set<string>>(),
    };
    const asked = {
      file: task.file,
      format: task.format,
      kind: task.kind,
      runId: task.runId,
      peppers: this.keys.peppers(),
    };
    for await (const batch of readPortfolio(asked, watch.signal)) {
      watch.signal?.throwIfAborted();
      seen.rows += batch.rows;
      seen.bytes = batch.bytes;
      seen.source ??= batch.source;
      for (const { kind, names } of batch.fields)
        seen.fields.set(kind, new Set([...(seen.fields.get(kind) ?? []), ...names]));
      for (const row of batch.bad) problems.addRow(row);
      problems.add(...batch.problems.map((problem) => ({ kind: '', key: null, ...problem })));
      if (batch.problems.length > 0) seen.unreadable = true;
      const held = await this.#holding(batch.suspects, by);
      problems.add(
        ...held.map(({ line, kind, key, field }) => ({ line, kind, key, field, ...HOLDS_A_VALUE })),
      );
      const text = held.length === 0 ? batch.text : withoutRows(batch.text, task.runId, held);
      if (text !== '') await this.transactions.run(by, (db) => copyRows(db, text));
      await watch.progress({ phase: 'reading', bytesRead: seen.bytes, rowsRead: seen.rows });
    }
    return seen;
  }

  /** Those that are the value of a credential. Before they are staged: a value is written down nowhere. */
  async #holding(suspects: readonly Suspect[], by: Principal): Promise<Suspect[]> {
    if (suspects.length === 0) return [];
    const digests = [...new Set(suspects.flatMap((one) => one.digests))];
    const known = await this.transactions.run(by, (db) => knownDigests(db, digests));
    return known.size === 0 ? [] : suspects.filter((one) => one.digests.some((digest) => known.has(digest)));
  }

  async #merge(
    task: ImportTask,
    about: Surroundings,
    state: Omit<ImportOutcome, 'state' | 'counts'>,
    watch: ImportWatch,
  ): Promise<ImportOutcome> {
    const { problems } = state;
    const run = task.runId;
    let outcome: ImportOutcome = { ...state, state: 'refused', counts: {} };
    try {
      await this.transactions.run(about.by, async (db) => {
        await prepare(db, state.rowsRead);
        // After the wait for the lock: everything that is compared must be as it is when we commit.
        const now = this.clock.date();
        const names: Names = { run, source: state.source, now, year: String(now.getUTCFullYear()) };
        await check(db, names, about);
        await watch.progress({ phase: 'applying', bytesRead: state.bytesRead, rowsRead: state.rowsRead });
        watch.signal?.throwIfAborted();
        await settle(db, names, about, task.partial);
        await problems.addStaged(db, run, task.partial);
        if (problems.count > 0 && !task.partial) throw new Undo();
        watch.signal?.throwIfAborted();
        await mergeVersions(db, names, about);
        await this.#record(db, names, task, about.by);
        const counts = await countChanges(db, run);
        outcome = { ...state, state: 'done', counts };
        if (task.dryRun) throw new Undo();
        if ((counts['credential_version']?.created ?? 0) + (counts['credential_version']?.changed ?? 0) > 0)
          await this.outbox.put(db, versionAdded, { versionIds: [] });
        await watch.commit(db, outcome);
      });
    } catch (thrown) {
      if (!(thrown instanceof Undo)) throw thrown;
    }
    return outcome;
  }

  #about(by: Principal, fields: GivenFields): Surroundings {
    const isolates: Surroundings['isolates'] = (integration) => this.isolation.holds(integration);
    return { presets: this.presets, connections: this.connections, by, fields, isolates };
  }

  /** A ledger entry for each thing that was created or changed, and one for the import. */
  async #record(db: Db, names: Names, task: ImportTask, by: Principal): Promise<void> {
    const at = names.now.getTime();
    // New things stand in staging_key, changed ones and versions in staging_change. DECLARE takes no parameters.
    await db.query(
      `DECLARE touched NO SCROLL CURSOR FOR
       SELECT kind, id, true AS created FROM staging_key WHERE run_id = '${names.run}' AND ${IS_NEW_THING}
       UNION ALL
       SELECT kind, id, created FROM staging_change WHERE run_id = '${names.run}' AND kind <> 'connectorPreset'`,
    );
    for (;;) {
      const page = rowsOf<{ kind: string; id: Id; created: boolean }>(
        await db.query(`FETCH ${LEDGER_CHUNK} FROM touched`),
      );
      if (page.length === 0) break;
      await this.ledger.append(
        db,
        page.map(({ kind, id, created }) => ({
          kind: `${wordOf(kind)}.${created ? 'created' : 'changed'}`,
          subject: { kind: wordOf(kind), id },
          by,
          at,
          facts: { importJobId: task.jobId },
        })),
      );
    }
    await db.query('CLOSE touched');
    await this.ledger.append(db, {
      kind: 'import.applied',
      subject: { kind: 'import_job', id: task.jobId },
      by,
      at,
      facts: { partial: task.partial, format: task.format },
      committed: { source: names.source },
    });
  }
}

/**
 * Merges parties, integrations and credentials. Where the result breaks a rule that needs both sides of the file, the
 * rows at fault fall out and the rest is merged again from where it stood.
 */
async function settle(db: Db, names: Names, about: Surroundings, partial: boolean): Promise<void> {
  for (let round = 1; ; round++) {
    await db.query('SAVEPOINT things');
    await mergeThings(db, names, about);
    const found = await db.query<object[]>(
      `SELECT p.line, p.kind, p.key, p.field, p.problem, p.mend FROM staging_problem p
         JOIN staging_row s ON s.run_id = $1 AND s.line = p.line AND s.kind = p.kind AND s.key = p.key AND NOT s.bad WHERE p.run_id = $1`,
      [names.run],
    );
    // Without `partial` everything is undone anyway, and what was found is what is reported.
    if (found.length === 0 || !partial) return;
    if (round === MOST_ROUNDS) {
      throw new Refused(
        refusal(
          'invalid',
          'import-too-bad',
          'So many rows depend on bad rows that a partial import would be arbitrary. Mend the file first.',
        ),
      );
    }
    await db.query('ROLLBACK TO SAVEPOINT things');
    await db.query(
      `INSERT INTO staging_problem (run_id, line, kind, key, field, problem, mend, consequence)
       SELECT $1, p.line, p.kind, p.key, p.field, p.problem, p.mend, false
         FROM jsonb_to_recordset($2::jsonb) AS p(line int, kind text, key text, field text, problem text, mend text)`,
      [names.run, JSON.stringify(found)],
    );
    await markBad(db, names);
    await dropDependants(db, names, about);
  }
}

const MOST_ROUNDS = 10;

/** Rows beyond which a join by nested loops, chosen on a guess, would take minutes. */
const MANY_ROWS = 2000;

async function prepare(db: Db, rows: number): Promise<void> {
  // Set-based statements over a large file take longer than any request may; memory for their sorts is worth its while.
  await db.query(
    `SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '300000', true),
                         set_config('work_mem', '32MB', true), set_config('jit', 'off', true), set_config('enable_nestloop', $1, true)`,
    [rows > MANY_ROWS ? 'off' : 'on'],
  );
  await db.query('SELECT pg_advisory_xact_lock($1)', [IMPORT_LOCK]);
  await db.query('SELECT cs_analyze_staging()');
}

async function countChanges(db: Db, run: Id): Promise<Record<string, Counts>> {
  const rows = await db.query<{ kind: string; created: number; changed: number; staged: number }[]>(
    `SELECT kind, coalesce(c.created, 0) AS created, coalesce(c.changed, 0) AS changed, coalesce(s.staged, 0) AS staged
       FROM (SELECT kind, count(*) FILTER (WHERE created)::int AS created, count(*) FILTER (WHERE NOT created)::int AS changed
               FROM (SELECT kind, created FROM staging_change WHERE run_id = $1
                     UNION ALL SELECT kind, true FROM staging_key WHERE run_id = $1 AND ${IS_NEW_THING}) AS touched GROUP BY kind) c
       FULL JOIN (SELECT kind, count(*)::int AS staged FROM staging_row WHERE run_id = $1 AND NOT bad GROUP BY kind) s USING (kind)
      ORDER BY kind`,
    [run],
  );
  return Object.fromEntries(
    rows
      // Lines that only add to another thing are counted with that thing.
      .filter(({ kind }) => !['matrixRow', 'term', 'edge'].includes(kind))
      .map(({ kind, created, changed, staged }) => [
        wordOf(kind),
        { created, changed, unchanged: Math.max(0, staged - created - changed) },
      ]),
  );
}
