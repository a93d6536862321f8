import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FieldProblem } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { MINUTE } from '../../kernel/time.ts';
import type { Pepper } from '../credentials/fingerprint.rules.ts';
import type { Format } from './import.schema.ts';
import type { BadRow } from './row.rules.ts';
import type { Suspect } from './stage.rules.ts';

export interface FileAsked {
  file: string;
  format: Format;
  /** For a file of one kind. */
  kind: string | null;
  /** Of the staged rows. */
  runId: Id;
  peppers: readonly Pepper[];
}

/** Some rows, read and judged one by one. */
export interface StagedBatch {
  /** What COPY takes into staging_row. */
  text: string;
  /** How many rows of the file these were, and how many bytes have been read so far. */
  rows: number;
  bytes: number;
  /** Fields that the rows give, by kind, so far as not said before. */
  fields: { kind: string; names: string[] }[];
  bad: BadRow[];
  /** Texts of rows that may be values of credentials. */
  suspects: Suspect[];
  /** The file cannot be read on. */
  problems: (FieldProblem & { line: number })[];
  /** Whose keys a document says it uses. */
  source: string | null;
}

/** What the thread is started with. */
export interface ThreadData extends Omit<FileAsked, 'peppers'> {
  peppers: { id: string; key: Uint8Array }[];
}

/** Megabytes of heap for the thread: a document of 20 MB unfolds to some 300; rows of a streamed file come and go. */
const HEAP: Readonly<Record<Format, number>> = { json: 1024, yaml: 1024, csv: 96, jsonl: 96 };

/**
 * Reads a file in a thread of its own, so that nothing else in the process waits for a large one, and hands it out in
 * batches; the next one is read while this one is stored. A file that exhausts the thread's memory, stack or time is
 * refused like any other bad file.
 */
export async function* readPortfolio(asked: FileAsked, signal?: AbortSignal): AsyncGenerator<StagedBatch> {
  const { peppers, ...rest } = asked;
  const data: ThreadData = {
    ...rest,
    peppers: peppers.map(({ id, key }) => ({ id, key: key.useBytes((bytes) => Uint8Array.from(bytes)) })),
  };
  const worker = new Worker(new URL(`./read-portfolio.worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: data,
    env: {}, // reading needs none of our settings
    execArgv: process.execArgv.filter((argument) => argument.startsWith('--import=')),
    resourceLimits: {
      maxOldGenerationSizeMb: HEAP[asked.format],
      maxYoungGenerationSizeMb: 32,
      stackSizeMb: 16,
    },
  });
  const inbox = new Inbox(worker, signal);
  try {
    for (;;) {
      const batch = await inbox.next();
      if (!batch) return;
      worker.postMessage('next');
      yield batch;
    }
  } catch (thrown) {
    if (!(thrown instanceof FileTooHeavy)) throw thrown;
    const problems = [
      { line: 1, field: '', problem: thrown.message, mend: 'Split the file, or send it as JSON Lines.' },
    ];
    yield { text: '', rows: 0, bytes: 0, fields: [], bad: [], suspects: [], problems, source: null };
  } finally {
    inbox.close();
    await worker.terminate();
  }
}

class FileTooHeavy extends Error {}

type Message = StagedBatch | 'end';

/** One message at a time from a thread, with a limit on each wait. */
class Inbox {
  readonly #messages: Message[] = [];
  #waiting: { resolve: (message: Message) => void; reject: (reason: unknown) => void } | undefined;
  #failed: Error | undefined;
  readonly #aborted: () => void;

  constructor(
    worker: Worker,
    private readonly signal: AbortSignal | undefined,
  ) {
    worker.on('message', (message: Message) => {
      if (this.#waiting) this.#waiting.resolve(message);
      else this.#messages.push(message);
      this.#waiting = undefined;
    });
    worker.on('error', (thrown: Error & { code?: string }) => {
      const heavy = thrown.code === 'ERR_WORKER_OUT_OF_MEMORY' || thrown.name === 'RangeError';
      this.#fail(heavy ? new FileTooHeavy('the file needs too much memory to be read') : thrown);
    });
    worker.on('exit', () => this.#fail(new Error('the thread that read the file ended early')));
    this.#aborted = () =>
      this.#fail(signal?.reason instanceof Error ? signal.reason : new Error('the import was stopped'));
    signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  /** @returns undefined when the file has ended */
  async next(): Promise<StagedBatch | undefined> {
    const message = this.#messages.shift() ?? (await this.#wait());
    return message === 'end' ? undefined : message;
  }

  async #wait(): Promise<Message> {
    if (this.#failed) throw this.#failed;
    const timer = setTimeout(
      () => this.#fail(new FileTooHeavy('the file takes too long to be read')),
      2 * MINUTE,
    );
    try {
      return await new Promise<Message>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.signal?.removeEventListener('abort', this.#aborted);
  }

  #fail(reason: Error): void {
    this.#failed ??= reason;
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
  }
}
