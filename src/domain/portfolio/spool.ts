import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';

/** Where an upload waits for its job: files in the data folder that only we may read, gone when the job has ended. */
export class Spool {
  readonly #folder: string;

  constructor(dataFolder: string) {
    this.#folder = join(resolve(dataFolder), 'imports');
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** @returns how many bytes there were. @throws Refused when there are more than `limit`; nothing is left then */
  async take(name: string, body: Readable, limit: number): Promise<number> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    let size = 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length;
        if (size > limit)
          done(
            new Refused(
              refusal(
                'too_large',
                'import-too-large',
                `The file is larger than the ${limit} bytes that its format may have. Send it as JSON Lines or CSV, or in parts.`,
              ),
            ),
          );
        else done(null, chunk);
      },
    });
    try {
      await pipeline(body, count, createWriteStream(this.path(name), { flags: 'wx', mode: 0o600 }));
    } catch (thrown) {
      await this.remove(name);
      throw thrown;
    }
    return size;
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  async has(name: string): Promise<boolean> {
    return stat(this.path(name)).then(
      () => true,
      () => false,
    );
  }

  /** Ids of jobs whose files have lain here since before an instant. */
  async olderThan(instant: Millis): Promise<{ jobId: Id; name: string }[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const found = await Promise.all(
      names.map(async (name) => {
        const at = await stat(this.path(name)).then(
          ({ mtimeMs }) => mtimeMs,
          () => Infinity,
        );
        return at < instant ? [{ jobId: name.split('.')[0] ?? '', name }] : [];
      }),
    );
    return found.flat();
  }
}
