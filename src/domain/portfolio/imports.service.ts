import type { Readable } from 'node:stream';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { errorText, Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Config } from '../../platform/config/config.ts';
import { CONFIG } from '../../platform/config/token.ts';
import { nextReference } from '../../platform/database/references.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { FILE_LIMITS, type Format, type ImportView, type ProblemView } from './import.schema.ts';
import { importPortfolio } from './import-portfolio.definition.ts';
import { Importer, type ImportOutcome, type Progress } from './importer.ts';
import { importById, importsBefore, problemsAfter } from './imports.queries.ts';
import type { Problems } from './problems.ts';
import { Spool } from './spool.ts';
import { rowsOf } from './statements.ts';

export interface ImportAsked {
  source: string;
  format: Format;
  kind: string | null;
  fileName: string;
  dryRun: boolean;
  partial: boolean;
}

/** Milliseconds between two notes of progress on the job's row. */
const NOTE_EVERY = SECOND / 2;
/** How often a running import shows that its process lives. */
const BEAT_EVERY = 10 * SECOND;

/** Another try of the same job has taken over. */
class TakenOver extends Error {}

/** Imports as resources: asked for, watched, worked off. */
@Injectable()
export class ImportsService {
  readonly #spool: Spool;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly importer: Importer,
    private readonly outbox: Outbox,
    private readonly ledger: LedgerService,
    @Inject(CONFIG) config: Config,
  ) {
    this.#spool = new Spool(config.dataFolder);
  }

  get spool(): Spool {
    return this.#spool;
  }

  /** Keeps an upload until a worker takes it. @returns at once; the job's resource says how it goes on */
  async accept(asked: ImportAsked, body: Readable, by: Principal): Promise<Result<ImportView, Refusal>> {
    const id = newId();
    const spool = `${id}.${asked.format}`;
    let size: number;
    try {
      size = await this.#spool.take(spool, body, FILE_LIMITS[asked.format]);
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
    if (size === 0) {
      await this.#spool.remove(spool);
      return err(refusal('invalid', 'import-empty', 'The body is empty: send the file itself as the body.'));
    }
    try {
      return ok(
        await this.transactions.run(by, async (db) => {
          await this.#create(db, id, asked, { spool, size }, by);
          await this.outbox.put(db, importPortfolio, { jobId: id }, { key: id });
          return (await importById(db, id))!;
        }),
      );
    } catch (thrown) {
      await this.#spool.remove(spool);
      throw thrown;
    }
  }

  /** Imports a file of this machine here and now, for the command line. */
  async runFile(
    file: string,
    asked: ImportAsked,
    by: Principal,
    onProgress: (progress: Progress & { bytesTotal: number }) => void,
  ): Promise<Result<{ job: ImportView; problems: ProblemView[] }, Refusal>> {
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile())
      return err(
        refusal('invalid', 'no-such-file', `${file} is no file that can be read. Name one that is.`),
      );
    if (found.size > FILE_LIMITS[asked.format]) {
      return err(
        refusal(
          'too_large',
          'import-too-large',
          `${file} is larger than the ${FILE_LIMITS[asked.format]} bytes that a ${asked.format} file may have. Turn it into JSON Lines or CSV, or split it.`,
        ),
      );
    }
    const id = newId();
    await this.transactions.run(by, (db) =>
      this.#create(
        db,
        id,
        { ...asked, fileName: asked.fileName || basename(file) },
        { spool: null, size: found.size },
        by,
      ),
    );
    await this.#run(id, file, by, {
      last: true,
      onProgress: (progress) => onProgress({ ...progress, bytesTotal: found.size }),
    });
    return ok(
      await this.transactions.run(by, async (db) => ({
        job: (await importById(db, id))!,
        problems: await problemsAfter(db, id, 0, 100),
      })),
    );
  }

  /** Works off an accepted import. Done twice it is done once: an ended job is left alone. */
  async work(id: Id, by: Principal, o: { last: boolean; signal?: AbortSignal }): Promise<void> {
    const [job] = await this.transactions.run(by, (db) =>
      db.query<{ spool: string | null; requestedBy: string }[]>(
        `SELECT spool, requested_by AS "requestedBy" FROM import_job WHERE id = $1 AND ended_at IS NULL`,
        [id],
      ),
    );
    if (!job?.spool) return;
    if (!(await this.#spool.has(job.spool))) {
      await this.#fail(
        id,
        null,
        by,
        'the uploaded file is not in the data folder of this process',
        'Let web and worker processes share one data folder, then import the file again.',
      );
      return;
    }
    const [kind, ...rest] = job.requestedBy.split(':');
    const asker: Principal = { ...by, kind: (kind ?? 'system') as Principal['kind'], id: rest.join(':') };
    const ended = await this.#run(id, this.#spool.path(job.spool), asker, {
      last: o.last,
      ...(o.signal ? { signal: o.signal } : {}),
    });
    // Whoever was taken for dead leaves the file to the one that took over, which may not have opened it yet.
    if (ended) await this.#spool.remove(job.spool);
  }

  get(id: Id, by: Principal): Promise<ImportView | undefined> {
    return this.transactions.run(by, (db) => importById(db, id));
  }

  list(before: Id | null, limit: number, by: Principal): Promise<ImportView[]> {
    return this.transactions.run(by, (db) => importsBefore(db, before, limit));
  }

  /** @returns undefined when there is no such import */
  problems(id: Id, after: number, limit: number, by: Principal): Promise<ProblemView[] | undefined> {
    return this.transactions.run(by, async (db) =>
      (await importById(db, id)) ? problemsAfter(db, id, after, limit) : undefined,
    );
  }

  async #create(
    db: Db,
    id: Id,
    asked: ImportAsked,
    file: { spool: string | null; size: number },
    by: Principal,
  ): Promise<void> {
    const now = this.clock.now();
    await db.query(
      `INSERT INTO import_job (id, reference, source, format, kind, file_name, dry_run, partial, spool, bytes_total, requested_by, created_at, beat_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
      [
        id,
        await nextReference(db, 'IMP', now),
        asked.source,
        asked.format,
        asked.kind,
        asked.fileName,
        asked.dryRun,
        asked.partial,
        file.spool,
        file.size,
        `${by.kind}:${by.id}`,
        new Date(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'import.requested',
      subject: { kind: 'import_job', id },
      by,
      at: now,
      facts: { format: asked.format, dryRun: asked.dryRun, partial: asked.partial, bytes: file.size },
    });
  }

  /** @returns whether it was we who ended the job; not so where another try took over */
  async #run(
    id: Id,
    file: string,
    by: Principal,
    o: { last: boolean; signal?: AbortSignal; onProgress?: (progress: Progress) => void },
  ): Promise<boolean> {
    const runId = newId();
    const [job] = rowsOf<{
      source: string;
      format: Format;
      kind: string | null;
      dryRun: boolean;
      partial: boolean;
    }>(
      await this.transactions.run(by, (db) =>
        db.query(
          `UPDATE import_job SET state = 'reading', run_id = $2, started_at = coalesce(started_at, $3), beat_at = $3, bytes_read = 0, rows_read = 0
            WHERE id = $1 AND ended_at IS NULL RETURNING source, format, kind, dry_run AS "dryRun", partial`,
          [id, runId, this.clock.date()],
        ),
      ),
    );
    if (!job) return false;
    const note = this.#noter(id, runId, by, o.onProgress);
    const beat = setInterval(() => void note.beat(), BEAT_EVERY).unref();
    try {
      const outcome = await this.importer.run({ jobId: id, runId, file, ...job }, by, {
        progress: note.progress,
        commit: (db, done) => this.#end(db, id, runId, done),
        ...(o.signal ? { signal: stopOf(o.signal) } : {}),
      });
      if (outcome.state === 'refused' || job.dryRun)
        await this.transactions.run(by, (db) => this.#end(db, id, runId, outcome));
      return true;
    } catch (thrown) {
      if (thrown instanceof TakenOver || !(await this.#isOurs(id, runId, by))) return false;
      if (thrown instanceof Refused)
        await this.#fail(id, runId, by, thrown.refusal.message, 'Mend the file and import it again.');
      else if (o.last && !o.signal?.aborted)
        await this.#fail(
          id,
          runId,
          by,
          errorText(thrown),
          'Nothing of the file was stored. Import it again; if it fails again, look into the log for this correlation id.',
        );
      if (!(thrown instanceof Refused)) throw thrown;
      return true;
    } finally {
      clearInterval(beat);
    }
  }

  /** False only where it is known that another try took over: what then breaks for us (the file is gone) is no failure. */
  async #isOurs(id: Id, runId: Id, by: Principal): Promise<boolean> {
    const found = await this.transactions
      .run(by, (db) =>
        db.query<unknown[]>(`SELECT FROM import_job WHERE id = $1 AND run_id = $2 AND ended_at IS NULL`, [
          id,
          runId,
        ]),
      )
      .catch(() => null);
    return found === null || found.length > 0;
  }

  /** Writes progress down now and then, and finds out whether the job is still ours. */
  #noter(
    id: Id,
    runId: Id,
    by: Principal,
    onProgress?: (progress: Progress) => void,
  ): { progress: (progress: Progress) => Promise<void>; beat: () => Promise<void> } {
    let noted = 0;
    let phase = '';
    const update = async (assignments: string, values: unknown[]) => {
      const ours = rowsOf(
        await this.transactions.run(by, (db) =>
          db.query(
            `UPDATE import_job SET beat_at = $3${assignments} WHERE id = $1 AND run_id = $2 AND ended_at IS NULL RETURNING 1`,
            [id, runId, this.clock.date(), ...values],
          ),
        ),
      );
      if (ours.length === 0) throw new TakenOver('another try of this import has taken over');
    };
    return {
      progress: async (progress) => {
        onProgress?.(progress);
        if (progress.phase === phase && performance.now() - noted < NOTE_EVERY) return;
        noted = performance.now();
        phase = progress.phase;
        await update(', state = $4, bytes_read = $5, rows_read = $6', [
          progress.phase,
          progress.bytesRead,
          progress.rowsRead,
        ]);
      },
      // A beat that is missed is made up for by the next one; a lost job is found out by the progress that follows.
      beat: () => update('', []).catch(() => undefined),
    };
  }

  async #end(db: Db, id: Id, runId: Id, outcome: ImportOutcome): Promise<void> {
    const { state, source, counts, problems, rowsRead, bytesRead } = outcome;
    const ended = rowsOf(
      await db.query(
        `UPDATE import_job SET state = $3, source = $4, counts = $5, problems = $6, rows_read = $7, bytes_read = $8, beat_at = $9, ended_at = $9, spool = NULL
          WHERE id = $1 AND run_id = $2 AND ended_at IS NULL RETURNING 1`,
        [
          id,
          runId,
          state,
          source,
          JSON.stringify(counts),
          problems.count,
          rowsRead,
          bytesRead,
          this.clock.date(),
        ],
      ),
    );
    if (ended.length === 0) throw new TakenOver('another try of this import has taken over');
    await storeProblems(db, id, problems);
  }

  /** @param runId null: whatever its run */
  async #fail(id: Id, runId: Id | null, by: Principal, failure: string, mend: string): Promise<void> {
    await this.transactions.run(by, (db) =>
      db.query(
        `UPDATE import_job SET state = 'failed', failure = $3, mend = $4, beat_at = $5, ended_at = $5, spool = NULL
          WHERE id = $1 AND ($2::uuid IS NULL OR run_id = $2) AND ended_at IS NULL`,
        [id, runId, failure, mend, this.clock.date()],
      ),
    );
  }
}

function storeProblems(db: Db, id: Id, problems: Problems): Promise<void> {
  return problems.store(db, id);
}

/** A large file may take longer than other jobs: of the reasons to stop, the time limit alone does not count. */
function stopOf(signal: AbortSignal): AbortSignal {
  const stop = new AbortController();
  const pass = () => {
    if ((signal.reason as { name?: string } | undefined)?.name !== 'TimeoutError') stop.abort(signal.reason);
  };
  if (signal.aborted) pass();
  else signal.addEventListener('abort', pass, { once: true });
  return stop.signal;
}
