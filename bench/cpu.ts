import { readFile } from 'node:fs/promises';
import type pg from 'pg';

/** CPU seconds of this process and of every Postgres process of our server. */
export async function cpuOf(admin: pg.Client): Promise<number> {
  const own = process.cpuUsage();
  return (own.user + own.system) / 1e6 + (await postgresCpu(admin));
}

/** CPU seconds of every Postgres process of our server. */
export async function postgresCpu(admin: pg.Client): Promise<number> {
  let ticks = 0;
  const { rows } = await admin.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity`);
  for (const { pid } of rows) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks / 100;
}
