import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Whom the database server runs as. Absent in an option: as this process. */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * Postgres refuses to run as root. Root hands the server to the owner of an existing cluster, else to `postgres`, else to
 * `nobody`; no account is created. Anybody else runs it as themselves.
 *
 * @param cluster an existing data directory, or one that is not there yet
 */
export async function serverAccount(cluster: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const existing = await stat(cluster).catch(() => null);
  if (existing && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid };
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return accountNamed(passwd, 'postgres') ?? accountNamed(passwd, 'nobody') ?? { uid: 65534, gid: 65534 };
}

/** @param passwd text in the format of passwd(5): name:password:uid:gid:… */
export function accountNamed(passwd: string, name: string): Account | undefined {
  const fields = passwd
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':');
  if (!fields) return undefined;
  const [uid, gid] = [Number.parseInt(fields[2] ?? '', 10), Number.parseInt(fields[3] ?? '', 10)];
  return uid > 0 && gid >= 0 ? { uid, gid } : undefined;
}

/** Whether the account may pass through `folder` and every folder above it, by their mode bits. */
export async function canEnter(account: Account | undefined, folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (!(await allows(account, at, 0o1))) return false;
    if (dirname(at) === at) return true;
  }
}

/** Whether the account may read (`4`) or execute (`1`) what stands at `path`, given that it gets there. */
export async function allows(account: Account | undefined, path: string, wanted: number): Promise<boolean> {
  if (!account) return true; // our own rights: the operating system says so when we use them
  const entry = await stat(path).catch(() => null);
  if (!entry) return false;
  // The server is started without supplementary groups, so only these three classes can apply.
  const shift = entry.uid === account.uid ? 6 : entry.gid === account.gid ? 3 : 0;
  return ((entry.mode >> shift) & wanted) === wanted;
}
