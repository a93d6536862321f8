import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { FieldProblem } from '../../kernel/errors.ts';

/** A key that cannot be used, and how to mend it. Never holds key material. */
export class KeyProblem extends Error {
  override readonly name = 'KeyProblem';
  constructor(readonly problem: FieldProblem) {
    super(`${problem.field}: ${problem.problem}. ${problem.mend}`);
  }
}

/** The folder of key files: everything in it belongs to the account that runs us, and to nobody else. */
export class KeyFolder {
  constructor(readonly path: string) {}

  /** Creates the folder where it is missing. @throws KeyProblem when it cannot be used. */
  prepare(): void {
    try {
      makeFolder(this.path, 0o700);
      const stat = statSync(this.path);
      if (!stat.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
      if ((stat.mode & 0o077) !== 0) {
        const folder = openSync(this.path, 'r');
        try {
          fchmodSync(folder, 0o700);
        } finally {
          closeSync(folder);
        }
      }
    } catch (thrown) {
      throw new KeyProblem({
        field: this.path,
        problem: `the folder of keys cannot be made or kept private (${codeOf(thrown)})`,
        mend: 'Give the account that runs Countersign a folder that it owns, and name it in COUNTERSIGN_DATA.',
      });
    }
  }

  /**
   * A text that differs once the folder has other files than before. Within two seconds of a change it always differs, as
   * a second change may bear the time of the first.
   */
  state(): string {
    const { mtimeMs } = statSync(this.path);
    return Date.now() - mtimeMs < 2000 ? `${mtimeMs} ${performance.now()}` : String(mtimeMs);
  }

  /** Names of the files that match, in ascending order of the first number in them. */
  list(pattern: RegExp): string[] {
    return readdirSync(this.path)
      .filter((name) => pattern.test(name))
      .sort((a, b) => numberIn(a) - numberIn(b) || (a < b ? -1 : 1));
  }

  /**
   * The text of a key file, without the blanks at its ends. Where the file is missing it is made: atomically, readable by
   * us alone, and on disk before this returns, so that of two processes that start at once both use the same key.
   */
  readOrCreate(name: string, make: () => string): string {
    return this.read(name) ?? this.#create(name, make());
  }

  /** @throws KeyProblem when others may read the file, or we may not. */
  read(name: string): string | undefined {
    const path = join(this.path, name);
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') return undefined;
      throw new KeyProblem({
        field: path,
        problem: `the key file cannot be read (${codeOf(thrown)})`,
        mend: 'Give it to the account that runs Countersign: chown it, and chmod 600.',
      });
    }
    try {
      const stat = fstatSync(file);
      if (!stat.isFile())
        throw new KeyProblem({
          field: path,
          problem: 'is no plain file',
          mend: 'Put the key file back in its place.',
        });
      if ((stat.mode & 0o077) !== 0) {
        throw new KeyProblem({
          field: path,
          problem: `the key file may be read or written by others (mode ${(stat.mode & 0o777).toString(8)})`,
          mend: `Run: chmod 600 ${JSON.stringify(path)}. If others have had access to it, replace the key.`,
        });
      }
      return readFileSync(file, 'utf8').trim();
    } finally {
      closeSync(file);
    }
  }

  #create(name: string, text: string): string {
    const path = join(this.path, name);
    const draft = join(this.path, `.${name}.${process.pid}.${randomBytes(4).toString('hex')}`);
    try {
      const file = openSync(draft, 'wx', 0o600);
      try {
        writeSync(file, `${text}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      try {
        linkSync(draft, path); // unlike rename, this refuses to replace what another process has just put there
      } catch (thrown) {
        if (codeOf(thrown) !== 'EEXIST') throw thrown;
      } finally {
        unlinkSync(draft);
      }
      const folder = openSync(this.path, 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    } catch (thrown) {
      throw new KeyProblem({
        field: path,
        problem: `the key file cannot be written (${codeOf(thrown)})`,
        mend: 'Let the account that runs Countersign write to this folder, or put the key there yourself.',
      });
    }
    const kept = this.read(name);
    if (kept === undefined) throw new Error(`${path} vanished while it was made`);
    return kept;
  }
}

/**
 * Makes a folder and, with ordinary rights, those above it. Node's own recursive mkdir never returns where a file system
 * says ENOENT for good, as /proc does.
 */
function makeFolder(path: string, mode: number): void {
  const make = () => {
    try {
      mkdirSync(path, { mode });
    } catch (thrown) {
      if (codeOf(thrown) !== 'EEXIST') throw thrown;
    }
  };
  try {
    make();
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT' || dirname(path) === path) throw thrown;
    makeFolder(dirname(path), 0o755);
    make();
  }
}

function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown error';
}

function numberIn(name: string): number {
  return Number(/\d+/.exec(name)?.[0] ?? 0);
}
