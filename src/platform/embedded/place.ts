import { createHash, randomUUID } from 'node:crypto';
import {
  access,
  chmod,
  constants,
  lstat,
  mkdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { canEnter, serverAccount, type Account } from './account.ts';
import { DATA_VARIABLE, refuse, refusedByFileSystem, wrongOwner } from './refusals.ts';

/** Where root keeps what the server's account could not reach below the data folder. */
export const SYSTEM_PLACE = '/var/lib/countersign';

const POINTER = 'postgres-location';

/** Where the parts of one embedded database lie. */
export interface Place {
  /** The data folder as the operator named it, resolved. Holds passwords, log and pointer. */
  folder: string;
  /** Holds `pg`; the data folder itself unless the server's account cannot enter that. */
  home: string;
  /** The cluster: Postgres's data directory. */
  cluster: string;
  account: Account | undefined;
  passwords: string;
  log: string;
}

/**
 * Decides where the database of `dir` lies, and makes the folders. A pointer in the data folder is followed; a cluster in
 * the data folder is used where it is; a new one goes there too unless the server's account could not enter.
 *
 * @throws Refused when the folder cannot be written, is no folder, or the database belongs to somebody else
 */
export async function placeFor(dir: string): Promise<Place> {
  const wanted = resolve(dir);
  try {
    await makeFolder(wanted, 0o755);
    const folder = await realpath(wanted);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    await assertTakesFiles(folder);
    const home = await homeOf(folder);
    const cluster = join(home, 'pg');
    const account = await serverAccount(cluster);
    await assertOwned(cluster, account);
    return {
      folder,
      home,
      cluster,
      account,
      passwords: join(folder, 'postgres-passwords.json'),
      log: join(folder, 'postgres.log'),
    };
  } catch (thrown) {
    throw refusedByFileSystem(thrown, wanted);
  }
}

/** Leaves the pointer to a cluster that lies elsewhere. Written once the cluster is there: no pointer leads nowhere. */
export async function pointTo(place: Place): Promise<void> {
  if (place.home === place.folder) return;
  const pointer = join(place.folder, POINTER);
  const half = `${pointer}.${randomUUID()}`;
  await writeFile(half, `${place.home}\n`, { mode: 0o600, flush: true });
  await rename(half, pointer);
}

async function homeOf(folder: string): Promise<string> {
  const pointed = (await readFile(join(folder, POINTER), 'utf8').catch(() => '')).trim();
  if (pointed) {
    if (await exists(join(pointed, 'pg'))) return pointed;
    throw refuse(
      'database-gone',
      DATA_VARIABLE,
      `${join(folder, POINTER)} says that the database lies in ${pointed}, and it is not there`,
      'Restore it there, or remove the data folder to begin with an empty database.',
    );
  }
  if (await exists(join(folder, 'pg'))) return folder;
  if (await canEnter(await serverAccount(join(folder, 'pg')), folder)) return folder;
  const home = join(SYSTEM_PLACE, createHash('sha256').update(folder).digest('hex').slice(0, 16));
  await makeFolder(home, 0o755).catch(() => {
    throw refuse(
      'data-folder-out-of-reach',
      DATA_VARIABLE,
      `Postgres does not run as root, the account that runs it may not enter ${folder}, and ${SYSTEM_PLACE} cannot be made`,
      `Set ${DATA_VARIABLE} to a folder that every account may enter, or start as an account other than root.`,
    );
  });
  return home;
}

async function assertOwned(cluster: string, account: Account | undefined): Promise<void> {
  const found = await lstat(cluster).catch(() => null);
  if (!found || !process.getuid) return;
  if (found.uid !== (account?.uid ?? process.getuid())) throw wrongOwner(cluster, found.uid);
}

/**
 * Makes the missing folders of a path. Only those that we made get the mode: a umask of 077 would close them. Node's own
 * recursive mkdir never returns where a file system says ENOENT for good, as /proc does.
 */
async function makeFolder(path: string, mode: number): Promise<void> {
  if (await make(path, mode)) return;
  if (dirname(path) === path) throw Object.assign(new Error('no root'), { code: 'ENOENT' });
  await makeFolder(dirname(path), mode);
  if (!(await make(path, mode)))
    throw Object.assign(new Error('no folder can be made there'), { code: 'EROFS' });
}

/** @returns whether the folder is there now; false: what is above it is not */
async function make(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path);
    await chmod(path, mode);
    return true;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return true;
    throw thrown;
  }
}

/** What the rights of a folder do not tell (a full disk, a file system that takes no files) a file does. */
async function assertTakesFiles(folder: string): Promise<void> {
  const probe = join(folder, `.writable-${randomUUID()}`);
  await writeFile(probe, '', { mode: 0o600, flag: 'wx' });
  await rm(probe);
}

export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}

/**
 * A cluster that no data folder knows any more (the folder was removed, its database lay elsewhere) is moved aside: its
 * passwords and keys are gone, and the name is needed.
 */
export async function setAside(cluster: string): Promise<void> {
  const aside = `${cluster}.left`;
  await rm(aside, { recursive: true, force: true });
  await rename(cluster, aside);
}
