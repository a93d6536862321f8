import { createReadStream, type Stats } from 'node:fs';
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NoteSplitter, parseCheckpoint, parseNote, type Checkpoint } from '../../kernel/checkpoint.ts';
import { iso, type Millis } from '../../kernel/time.ts';

/**
 * The copies of our checkpoints outside the database: one file a month under `<data>/checkpoints`, only ever appended to.
 * Whoever rewrites the database must also reach this folder, and every mailbox that a notice went to.
 */
export class CheckpointFolder {
  readonly path: string;
  #last: { file: string; size: number; checkpoint: (Checkpoint & { note: string }) | null } | undefined;

  constructor(dataFolder: string) {
    this.path = join(dataFolder, 'checkpoints');
  }

  /** The newest copy, or null. */
  async last(): Promise<(Checkpoint & { note: string }) | null> {
    const file = (await this.#files()).at(-1);
    if (file === undefined) return null;
    const { size } = await stat(join(this.path, file));
    if (this.#last?.file === file && this.#last.size === size) return this.#last.checkpoint;
    let checkpoint: (Checkpoint & { note: string }) | null = null;
    for await (const note of this.#read(file, size)) checkpoint = readCheckpoint(note) ?? checkpoint;
    this.#last = { file, size, checkpoint };
    return checkpoint;
  }

  /**
   * Adds copies, in the order of their sizes, and returns when they are on disk.
   *
   * @throws Error for one that is not larger than the newest copy: a copy is never taken back
   */
  async append(notes: readonly string[], now: Millis): Promise<void> {
    let newest = (await this.last())?.size ?? -1;
    for (const note of notes) {
      const checkpoint = readCheckpoint(note);
      if (!checkpoint || checkpoint.size <= newest) {
        throw new Error(
          `a checkpoint of ${checkpoint?.size ?? 'no'} entries does not come after the copy of ${newest}`,
        );
      }
      newest = checkpoint.size;
    }
    if (notes.length === 0) return;
    await mkdir(this.path, { recursive: true, mode: 0o755 });
    const files = await this.#files();
    // A clock that was set back must not put a newer checkpoint into an older month.
    const month = `checkpoints-${iso(now).slice(0, 7)}.txt`;
    const name = [...files, month].sort().at(-1)!;
    const file = await open(join(this.path, name), 'a+', 0o644);
    try {
      const stats = await file.stat();
      await file.truncate(await this.#wholeUntil(name, stats));
      const before = await file.stat();
      await file.appendFile((before.size === 0 ? '' : '\n') + notes.join('\n'));
      await file.sync();
    } finally {
      await file.close();
    }
    if (!files.includes(name)) await syncFolder(this.path);
    this.#last = undefined;
  }

  /** The verifier key beside the copies, for whoever takes the folder away to check it. */
  async keepVkey(vkey: string): Promise<void> {
    const path = join(this.path, 'ledger.vkey');
    const kept = await readFile(path, 'utf8').catch(() => '');
    if (kept.split('\n').includes(vkey)) return;
    await mkdir(this.path, { recursive: true, mode: 0o755 });
    await writeFile(path, `${kept}${vkey}\n`, { mode: 0o644 });
  }

  /** All copies that are there at the moment of the call, oldest first. What is added later is left out. */
  async notes(): Promise<AsyncIterable<string>> {
    const sizes = new Map<string, number>();
    for (const file of await this.#files()) sizes.set(file, (await stat(join(this.path, file))).size);
    const read = (file: string, size: number) => this.#read(file, size);
    return (async function* () {
      for (const [file, size] of sizes) yield* read(file, size);
    })();
  }

  async #files(): Promise<string[]> {
    try {
      return (await readdir(this.path)).filter((name) => /^checkpoints-\d{4,}-\d{2}\.txt$/.test(name)).sort();
    } catch (thrown) {
      if ((thrown as { code?: string }).code === 'ENOENT') return [];
      throw thrown;
    }
  }

  async *#read(file: string, size: number): AsyncGenerator<string> {
    if (size === 0) return;
    const input = createReadStream(join(this.path, file), { encoding: 'utf8', end: size - 1 });
    const splitter = new NoteSplitter();
    for await (const line of createInterface({ input, crlfDelay: Infinity }))
      yield* splitter.push(`${line}\n`);
    // A crash may have torn the last write; the database still has that checkpoint, and it is copied again.
    for (const note of splitter.end()) if (parseNote(note).ok) yield note;
  }

  /** Bytes up to the end of the last whole note. */
  async #wholeUntil(name: string, stats: Stats): Promise<number> {
    let whole = 0;
    if (stats.size === 0) return 0;
    const text = await readFile(join(this.path, name), 'utf8');
    const splitter = new NoteSplitter();
    let at = 0;
    for (const line of text.split(/(?<=\n)/)) {
      at += Buffer.byteLength(line);
      splitter.push(line);
      if (line.startsWith('\u2014 ') && line.endsWith('\n')) whole = at;
    }
    return whole;
  }
}

function readCheckpoint(note: string): (Checkpoint & { note: string }) | null {
  const parsed = parseNote(note);
  const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  return checkpoint.ok ? { ...checkpoint.value, note } : null;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
