import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MINUTE } from '../../kernel/time.ts';
import type { DocumentRows } from './read-document.rules.ts';
import type { RawRow } from './row.rules.ts';

/** Megabytes of heap that a document's thread may take: far above what 20 MB of JSON need. */
const HEAP = 1024;

/**
 * Parses a whole-document file in a thread of its own, so that nothing else waits for it, and hands its rows out in
 * batches. A file that exhausts the thread's memory, stack or time is refused like any other bad file.
 */
export async function* readDocument(
  file: string,
  format: 'json' | 'yaml',
  signal?: AbortSignal,
): AsyncGenerator<{ source: string | null; problems: DocumentRows['problems']; rows: RawRow[] }> {
  const bytes = new Uint8Array(await readFile(file)); // a copy that can be handed over
  const worker = new Worker(new URL(`./read-document.worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: { bytes, format },
    transferList: [bytes.buffer],
    env: {}, // parsing needs none of our settings
    execArgv: process.execArgv.filter((argument) => argument.startsWith('--import=')),
    resourceLimits: { maxOldGenerationSizeMb: HEAP, stackSizeMb: 16 },
  });
  const inbox = new Inbox(worker, signal);
  try {
    const { head } = await inbox.next();
    if (head) yield { ...head, rows: [] };
    while (true) {
      worker.postMessage('next');
      const { rows } = await inbox.next();
      if (!rows || rows.length === 0) return;
      yield { source: null, problems: [], rows };
    }
  } catch (thrown) {
    if (!(thrown instanceof DocumentTooHeavy)) throw thrown;
    yield {
      source: null,
      rows: [],
      problems: [
        { line: 1, field: '', problem: thrown.message, mend: 'Split the file, or send it as JSON Lines.' },
      ],
    };
  } finally {
    inbox.close();
    await worker.terminate();
  }
}

class DocumentTooHeavy extends Error {}

interface Message {
  head?: Omit<DocumentRows, 'rows'>;
  rows?: RawRow[];
}

/** One message at a time from a thread, with a limit on the wait. */
class Inbox {
  readonly #messages: Message[] = [];
  #waiting: { resolve: (message: Message) => void; reject: (reason: unknown) => void } | undefined;
  #failed: unknown;
  readonly #timer: NodeJS.Timeout;

  constructor(worker: Worker, signal?: AbortSignal) {
    worker.on('message', (message: Message) => {
      if (this.#waiting) this.#waiting.resolve(message);
      else this.#messages.push(message);
      this.#waiting = undefined;
    });
    worker.on('error', (thrown: Error & { code?: string }) => {
      const heavy =
        thrown.code === 'ERR_WORKER_OUT_OF_MEMORY' ||
        thrown instanceof RangeError ||
        thrown.name === 'RangeError';
      this.#fail(
        heavy ? new DocumentTooHeavy('the document needs too much memory to be read whole') : thrown,
      );
    });
    this.#timer = setTimeout(
      () => this.#fail(new DocumentTooHeavy('the document takes too long to be read whole')),
      2 * MINUTE,
    );
    signal?.addEventListener('abort', () => this.#fail(signal.reason), { once: true });
  }

  next(): Promise<Message> {
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
    if (this.#failed !== undefined) return Promise.reject(this.#failed as Error);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #fail(reason: unknown): void {
    this.#failed ??= reason;
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
  }
}
