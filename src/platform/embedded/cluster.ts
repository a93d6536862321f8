import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, link, mkdir, open, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { exists, type Place } from './place.ts';
import { DATA_VARIABLE, refuse, refusedByFileSystem, refusedByPostgres } from './refusals.ts';
import { ADMIN, APP, OWNER, type RoleName } from './roles.ts';
import { alive } from './processes.ts';
import { readEnvironment } from '../config/environment.ts';

export type Passwords = Record<RoleName, string>;

/** What both of the server's programs are started with. Nothing of our environment (PGDATA, a language) reaches them. */
export function programOptions(account: Account | undefined) {
  return { cwd: '/', env: { PATH: readEnvironment('PATH') ?? '', LC_ALL: 'C', TZ: 'UTC' }, ...account };
}

/**
 * The passwords of this data folder: random, made once, in a file that only this account reads. Two processes that come
 * first at the same time end with the same ones, as only one link to the name can be made.
 */
export async function passwordsOf(place: Place): Promise<Passwords> {
  const text = await readFile(place.passwords, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return null;
    throw refusedByFileSystem(thrown, place.passwords);
  });
  if (text !== null) return JSON.parse(text) as Passwords;
  if (await exists(place.cluster)) {
    throw refuse(
      'passwords-gone',
      DATA_VARIABLE,
      `${place.cluster} holds a database, but ${place.passwords} is not there`,
      'Restore that file, or remove the database to begin with an empty one.',
    );
  }
  const fresh: Passwords = { [ADMIN]: randomPassword(), [OWNER]: randomPassword(), [APP]: randomPassword() };
  const half = `${place.passwords}.${randomBytes(6).toString('hex')}`;
  await writeFile(half, `${JSON.stringify(fresh, null, 2)}\n`, { mode: 0o600, flush: true });
  try {
    await link(half, place.passwords);
    return fresh;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    return JSON.parse(await readFile(place.passwords, 'utf8')) as Passwords;
  } finally {
    await unlink(half);
  }
}

function randomPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** Makes the cluster beside its place and renames it in, so that a `pg` folder is always a whole cluster. */
export async function makeCluster(
  place: Place,
  binaries: Binaries,
  passwords: Passwords,
  durable: boolean,
): Promise<void> {
  await clearAbandoned(place.home);
  const half = join(place.home, `pg.new-${process.pid}-${randomBytes(4).toString('hex')}`);
  const passwordFile = `${half}.password`;
  try {
    await mkdir(half, { mode: 0o700 });
    await writeFile(passwordFile, passwords[ADMIN], { mode: 0o600 });
    if (place.account) {
      await chown(half, place.account.uid, place.account.gid);
      await chown(passwordFile, place.account.uid, place.account.gid);
    }
    await initdb(place, binaries, half, passwordFile, durable);
    await rename(half, place.cluster).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOTEMPTY' && thrown.code !== 'EEXIST') throw thrown; // else: a peer was faster
    });
    if (durable) await syncFolder(place.home);
  } catch (thrown) {
    throw refusedByFileSystem(thrown, place.home);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(half, { recursive: true, force: true });
  }
}

async function initdb(
  place: Place,
  binaries: Binaries,
  target: string,
  passwordFile: string,
  durable: boolean,
) {
  const options = [
    `--pgdata=${target}`,
    `--username=${ADMIN}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Postgres's own C.UTF-8: the same order of texts on every operating system.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...(durable ? ['--data-checksums'] : ['--no-sync', '--no-data-checksums']),
  ];
  const { code, output } = await new Promise<{ code: number | null; output: string }>((done, fail) => {
    const child = spawn(binaries.initdb, options, {
      ...programOptions(place.account),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (part: Buffer) => (output += part.toString()));
    child.stderr.on('data', (part: Buffer) => (output += part.toString()));
    child.once('error', fail);
    child.once('close', (code) => done({ code, output }));
  });
  if (code !== 0) {
    await writeFile(place.log, output, { flag: 'a', mode: 0o600 });
    throw refusedByPostgres(output, place.home, place.log);
  }
}

async function clearAbandoned(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const maker = /^pg\.new-(\d+)-/.exec(name)?.[1];
    if (maker && !alive(Number(maker))) await rm(join(home, name), { recursive: true, force: true });
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
