import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * One append-only file of JSON lines: the memory of one inhabitant of the outside world.
 *
 * An append is durable (written and fsynced) when its promise resolves. Appends made while a write is under way are
 * written together by the next one, in the order in which they were made, so a later line is never on disk without an
 * earlier one. That order is what lets a request log and the effects of the requests share a file.
 */
export class Journal<R extends object> {
  private readonly queue: { line: Buffer; done: () => void; failed: (why: Error) => void }[] = [];
  private writing: Promise<void> | null = null;
  private broken: Error | null = null;
  private closed = false;

  private constructor(
    private readonly handle: FileHandle,
    private bytes: number,
    private readonly file: string,
    private readonly maxBytes: number,
  ) {}

  /**
   * Opens the file, making it if need be, and hands every record to `replay` in the order written. A last line that a
   * crash cut short was never confirmed to anybody and is cut off.
   *
   * @throws Error naming file and line when a complete line is not JSON: that is damage, not a crash.
   */
  static async open<R extends object>(
    file: string,
    o: { replay: (record: R) => void; maxBytes?: number },
  ): Promise<Journal<R>> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, 'a+', 0o600);
    try {
      const whole = await replayLines(handle, file, o.replay as (record: object) => void);
      await handle.truncate(whole);
      await handle.sync();
      await syncFolder(dirname(file));
      return new Journal<R>(handle, whole, file, o.maxBytes ?? 512 * 1024 * 1024);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** @throws Error when the disk refuses or the file is full; nothing is appended after that. */
  append(records: R | R[]): Promise<void> {
    const list = Array.isArray(records) ? records : [records];
    if (list.length === 0) return this.settled();
    if (this.closed) return Promise.reject(new Error(`${this.file} is closed`));
    const line = Buffer.from(list.map((record) => `${JSON.stringify(record)}\n`).join(''));
    if (!this.broken && this.bytes + line.length > this.maxBytes) {
      return Promise.reject(new Error(`${this.file} has reached its limit of ${this.maxBytes} bytes`));
    }
    this.bytes += line.length;
    return this.enqueue(line);
  }

  /** Resolves when everything appended so far is on disk. */
  settled(): Promise<void> {
    if (this.broken) return Promise.reject(this.broken);
    return this.queue.length === 0 && !this.writing ? Promise.resolve() : this.enqueue(Buffer.alloc(0));
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.writing?.catch(() => undefined);
    await this.handle.close();
  }

  private enqueue(line: Buffer): Promise<void> {
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((done, failed) => {
      this.queue.push({ line, done, failed });
      this.writing ??= this.write().finally(() => (this.writing = null));
    });
  }

  private async write(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0);
      try {
        if (this.broken) throw this.broken;
        const bytes = Buffer.concat(batch.map((entry) => entry.line));
        for (let written = 0; written < bytes.length;) {
          written += (await this.handle.write(bytes, written)).bytesWritten;
        }
        if (bytes.length > 0) await this.handle.datasync();
        for (const entry of batch) entry.done();
      } catch (error) {
        this.broken = error as Error;
        for (const entry of batch) entry.failed(this.broken);
      }
    }
  }
}

/** @returns the length in bytes of the part that ends with a complete line */
async function replayLines(
  handle: FileHandle,
  file: string,
  replay: (record: object) => void,
): Promise<number> {
  const chunk = Buffer.alloc(1024 * 1024);
  let rest: Buffer = Buffer.alloc(0);
  let whole = 0;
  let number = 0;
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return whole;
    position += bytesRead;
    let data = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      number += 1;
      whole += end + 1;
      replay(parse(data.subarray(0, end), file, number));
      data = data.subarray(end + 1);
    }
    rest = data;
  }
}

function parse(line: Buffer, file: string, number: number): object {
  try {
    return JSON.parse(line.toString()) as object;
  } catch {
    throw new Error(
      `${file} line ${number} is not JSON; the file was damaged. Remove the folder to start anew.`,
    );
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
