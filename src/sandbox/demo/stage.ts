import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { SpawnedWorld } from '../client.ts';
import { spawnWorld } from '../client.ts';
import { Misused } from './options.ts';
import { DEFAULT_PORT } from './options.ts';
import type { Options } from './options.ts';
import { AppProcess, freePort, isAlive, isFree, logFile, runCli, writePid } from './processes.ts';
import type { Entries } from './processes.ts';
import type { Story, StoryFolder } from './story.ts';

/** What names the database of this environment in the story. */
export function databaseOf(env: NodeJS.ProcessEnv): string {
  const url = env['DATABASE_URL'];
  if (!url) return 'embedded';
  const { host, pathname } = new URL(url);
  return `sha256:${createHash('sha256').update(`${host}${pathname}`).digest('hex')}`;
}

/**
 * Refuses a database that somebody else works on.
 *
 * @throws Misused when it holds parties that this demonstration did not import
 */
export async function refuseForeignDatabase(
  url: string,
  o: { own: boolean; mayMigrate: boolean },
): Promise<void> {
  if (o.own) return;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    const { rows: tables } = await client.query<{ party: string | null }>(
      `SELECT to_regclass('party')::text AS party`,
    );
    if (!tables[0]?.party) {
      if (o.mayMigrate) return;
      throw new Misused(
        'DATABASE_URL: that database is empty, and nothing says how to make its tables. ' +
          'Set MIGRATE_DATABASE_URL to the same database as countersign_owner.',
      );
    }
    await client.query(`SELECT set_config('countersign.scope', 'installation', false)`);
    const { rows } = await client.query<{ n: string }>('SELECT count(*)::text AS n FROM party');
    if (Number(rows[0]?.n) > 0) {
      throw new Misused(
        `DATABASE_URL: that database holds ${rows[0]?.n} parties, and the demonstration writes into what it finds. ` +
          'Unset DATABASE_URL for a database of its own, or name an empty one.',
      );
    }
  } catch (error) {
    if (error instanceof Misused) throw error;
    throw new Misused(
      `DATABASE_URL: ${(error as Error).message}. Correct it, or unset it for a database of its own.`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Where the application is to listen. @throws Misused when the port that was asked for is taken */
export async function choosePort(
  options: Options,
  before: number | null,
): Promise<{ port: number; instead: boolean }> {
  if (options.port !== null && options.port > 0) {
    if (await isFree(options.port)) return { port: options.port, instead: false };
    throw new Misused(
      `--port: port ${options.port} of 127.0.0.1 is taken. Stop what listens there, or give --port 0.`,
    );
  }
  if (before !== null && (await isFree(before))) return { port: before, instead: false };
  if (options.port === null && before === null && (await isFree(DEFAULT_PORT))) {
    return { port: DEFAULT_PORT, instead: false };
  }
  return { port: await freePort(), instead: options.port === null || before !== null };
}

/** The outside world, started or found running. */
export async function openWorld(folder: StoryFolder, entries: Entries): Promise<SpawnedWorld> {
  const world = await spawnWorld({ dir: folder.worldDir, entry: entries.world });
  await writePid(folder.pidFile('world'), world.pid);
  return world;
}

export async function closeWorld(folder: StoryFolder, world: SpawnedWorld): Promise<void> {
  await world.client.stop().catch(() => undefined);
  // Its exit is no event that would keep us waiting: it was let go when it was started.
  for (const deadline = Date.now() + 10_000; isAlive(world.pid) && Date.now() < deadline;) await delay(25);
  await rm(folder.pidFile('world'), { force: true });
}

/** The environment of the application: the installation's own, and where its outside world is. */
export function appEnvironment(
  env: NodeJS.ProcessEnv,
  folder: StoryFolder,
  world: SpawnedWorld,
  port: number,
): NodeJS.ProcessEnv {
  const allowed = [...world.client.hosts(), ...(env['COUNTERSIGN_OUTBOUND_ALLOW'] ?? '').split(/[\s,]+/)];
  return {
    ...env,
    COUNTERSIGN_DATA: folder.dir,
    COUNTERSIGN_HOST: '127.0.0.1',
    COUNTERSIGN_PORT: String(port),
    COUNTERSIGN_PUBLIC_URL: urlOf(port),
    COUNTERSIGN_INSECURE_COOKIES: 'true',
    COUNTERSIGN_SMTP_URL: world.client.smtpUrl,
    COUNTERSIGN_MAIL_FROM: 'countersign@brightwater.example',
    COUNTERSIGN_OUTBOUND_ALLOW: allowed.filter(Boolean).join(','),
  };
}

export const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

/** The application, found running with the same outside world, or started. */
export async function openApp(o: {
  folder: StoryFolder;
  story: Story;
  entries: Entries;
  options: Options;
  world: SpawnedWorld;
  env: NodeJS.ProcessEnv;
  say: (text: string) => void;
}): Promise<AppProcess> {
  const { folder, story, entries, options, world } = o;
  const pidFile = folder.pidFile('app');
  const hosts = world.client.hosts();
  if (story.port > 0) {
    const running = await AppProcess.attach({ pidFile, url: urlOf(story.port), entry: entries.main });
    if (running) {
      if (options.port !== null && options.port > 0 && options.port !== story.port) {
        throw new Misused(
          `--port: the application runs on port ${story.port} already. Leave --port out to go on with it.`,
        );
      }
      if (sameHosts(story.hosts, hosts)) return running;
      o.say('The outside world has moved; the application is started again.');
      await running.stop();
    }
  }
  if (story.leaks.some((leak) => leak.imported) && !sameHosts(story.hosts, hosts)) {
    throw new Error(
      `the outside world listened on ${story.hosts.join(', ')} and something else does now; ` +
        `stop that, or move ${folder.dir} away to start afresh`,
    );
  }
  story.hosts = hosts;
  for (let tries = 0; ; tries += 1) {
    const { port, instead } = await choosePort(options, story.port > 0 ? story.port : null);
    if (instead) o.say(`The usual port is taken; the console is on port ${port}.`);
    const moved = story.port > 0 && story.port !== port;
    story.port = port;
    if (moved) {
      // Links in mails of before lead nowhere; whoever is told from here on gets the new ones.
      story.hook = false;
      story.people = false;
    }
    await folder.write(story);
    const env = appEnvironment(o.env, folder, world, port);
    if (env['MIGRATE_DATABASE_URL']) await runCli(entries.cli, ['migrate'], env);
    try {
      return await AppProcess.start({
        entry: entries.main,
        env,
        url: urlOf(port),
        pidFile,
        log: logFile(folder.dir),
      });
    } catch (error) {
      // Somebody was quicker.
      if (tries < 3 && !(await isFree(port)) && !(options.port !== null && options.port > 0)) continue;
      throw error;
    }
  }
}

const sameHosts = (a: readonly string[], b: readonly string[]): boolean =>
  [...a].sort().join() === [...b].sort().join();
