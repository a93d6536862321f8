import { readdir, readFile, readlink } from 'node:fs/promises';

/** Whether a process of this id exists, ours or not. A dead one that nobody has reaped yet counts as existing. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * The Postgres processes that work in a cluster: the server changes into its data directory before it does anything else,
 * and everything it forks stays there.
 *
 * @returns their ids; `null` where that cannot be told (no /proc, or it hides other accounts' processes)
 */
export async function workingIn(cluster: string): Promise<number[] | null> {
  const names = await readdir('/proc').catch(() => null);
  if (!names) return null;
  const found: number[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if ((await readlink(`/proc/${name}/cwd`)) === cluster) found.push(Number(name));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') continue; // gone, or dead and not reaped
      const program = await readFile(`/proc/${name}/comm`, 'utf8').catch(() => '');
      if (program.trim() === 'postgres') return null;
    }
  }
  return found;
}
