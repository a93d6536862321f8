import { rm } from 'node:fs/promises';
import { conclude } from './conclude.ts';
import { BoardDisplay, LineDisplay } from './display.ts';
import type { Display } from './display.ts';
import { AppEnded, enter, play, prepare, stage } from './drive.ts';
import type { Cast } from './drive.ts';
import { judge } from './judge.ts';
import { Misused, USAGE, parseOptions } from './options.ts';
import type { Options } from './options.ts';
import { builtEntries, isAlive, processOf, writePid } from './processes.ts';
import type { AppProcess } from './processes.ts';
import { ProductAway } from './product.ts';
import {
  appEnvironment,
  closeWorld,
  databaseOf,
  openApp,
  openWorld,
  refuseForeignDatabase,
  urlOf,
} from './stage.ts';
import { StoryFolder, newStory } from './story.ts';

/** Another demonstration of the same folder may just be ending. */
const OTHER_MS = 15_000;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const env = process.env;
  const folder = await StoryFolder.open(env['COUNTERSIGN_DATA'] || './data');
  const story = (await folder.read()) ?? newStory(databaseOf(env), 0);
  if (story.database !== databaseOf(env)) {
    throw new Misused(
      `DATABASE_URL: the demonstration in ${folder.dir} was begun on ${story.database === 'embedded' ? 'the embedded database' : 'another database'}. ` +
        'Set it as it was, or move that folder away.',
    );
  }
  if (env['DATABASE_URL']) {
    await refuseForeignDatabase(env['DATABASE_URL'], {
      own: story.leaks.some((leak) => leak.imported),
      mayMigrate: Boolean(env['MIGRATE_DATABASE_URL']),
    });
  }
  await beAlone(folder);
  const display: Display =
    process.stdout.isTTY && !options.json
      ? new BoardDisplay(process.stdout)
      : new LineDisplay(process.stdout);
  const stop = new StopAsked();
  try {
    return await run({ options, folder, story, display, env, stop });
  } finally {
    display.settle();
    await rm(folder.pidFile('demo'), { force: true });
  }
}

/** @throws Misused when another demonstration drives this folder */
async function beAlone(folder: StoryFolder): Promise<void> {
  const file = folder.pidFile('demo');
  const deadline = Date.now() + OTHER_MS;
  for (;;) {
    const other = await processOf(file, 'sandbox/demo');
    if (other === null || other === process.pid) break;
    if (Date.now() > deadline) {
      throw new Misused(
        `another demonstration (process ${other}) is at work in ${folder.dir}. Wait for it, or stop it with Ctrl-C.`,
      );
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  await writePid(file, process.pid);
}

class StopAsked {
  readonly asked: Promise<void>;
  private wasAsked = false;

  constructor() {
    this.asked = new Promise((done) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.on(signal, () => {
          // Somebody who asks twice does not want to wait.
          if (this.wasAsked) process.exit(130);
          this.wasAsked = true;
          done();
        });
      }
    });
  }
}

async function run(o: {
  options: Options;
  folder: StoryFolder;
  story: ReturnType<typeof newStory>;
  display: Display;
  env: NodeJS.ProcessEnv;
  stop: StopAsked;
}): Promise<number> {
  const { options, folder, story, display, env, stop } = o;
  const entries = builtEntries();
  const begun = Date.now();
  const world = await openWorld(folder, entries);
  display.say(
    world.attached
      ? `The outside world runs already (process ${world.pid}).`
      : `The outside world runs (process ${world.pid}): four suppliers, a code host, a mail server, people.`,
  );
  const pace = process.stdout.isTTY && !options.json ? 250 : 0;
  const cast: Cast = { folder, story, world, entries, display, pace };
  const say = (text: string) => display.say(text);
  const fresh = story.leaks.length === 0;
  const opening = openApp({ folder, story, entries, options, world, env, say });
  let app: AppProcess | null = null;
  const closeAll = async (): Promise<void> => {
    const running = app ?? (await opening.catch(() => null));
    await running?.stop();
    await closeWorld(folder, world);
  };
  try {
    // What the suppliers and the code host do needs nobody to watch.
    const staging = fresh ? stage(cast) : Promise.resolve(story.leaks.at(-1) ?? null);
    const [opened, staged] = await Promise.allSettled([opening, staging]);
    if (opened.status === 'rejected') throw opened.reason;
    if (staged.status === 'rejected') throw staged.reason;
    app = opened.value;
    let leak = staged.value;
    display.say(
      app.attached
        ? `The application runs already (process ${app.pid}) on ${app.url}.`
        : `The application runs (process ${app.pid}) on ${app.url}.`,
    );
    const performance = async (): Promise<number> => {
      if (!app) throw new Error('there is no application');
      const appEnv = appEnvironment(env, folder, world, story.port);
      const product = await enter(cast, app, appEnv);
      if (leak && !fresh) {
        if (leak.over) {
          display.say(
            `Of leak ${leak.number} only what nobody out there will answer is left; a new incident begins.`,
          );
          leak = await stage(cast);
        } else {
          display.say(`Leak ${leak.number} was not over: going on where it was.`);
        }
      }
      if (!leak) throw new Error('nothing was staged');
      await prepare(cast, product, leak, appEnv);
      const sight = await play(cast, product, app, leak);
      const { outcome, broken } = await judge({
        cast,
        product,
        leak,
        sight,
        env: appEnv,
      });
      leak.over = true;
      await folder.write(story);
      await conclude({ display, product, outcome, broken, sight, begun });
      if (options.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
      return broken.length === 0 ? 0 : 1;
    };
    const status = await Promise.race([performance(), stop.asked.then(() => null)]);
    if (status === null) {
      display.settle();
      say('Stopping; started again it goes on from here.');
      await closeAll();
      return 130;
    }
    if (options.exit) {
      await closeAll();
      return status;
    }
    return await serve(o, app, closeAll);
  } catch (error) {
    if (app?.ended != null || error instanceof ProductAway || error instanceof AppEnded) {
      display.settle();
      display.say(
        `The application ended while the demonstration ran (${(error as Error).message}). Start the demonstration again: it goes on where it was.`,
        'error',
      );
      if (options.exit) await closeWorld(folder, world);
      return 1;
    }
    if (!isAlive(world.pid)) {
      display.settle();
      display.say(
        'The outside world has ended. Start the demonstration again: it goes on where it was.',
        'error',
      );
    }
    if (options.exit || app === null) await closeAll();
    throw error;
  }
}

async function serve(
  o: { folder: StoryFolder; story: ReturnType<typeof newStory>; display: Display; stop: StopAsked },
  app: AppProcess,
  closeAll: () => Promise<void>,
): Promise<number> {
  const { folder, story, display, stop } = o;
  display.say('');
  display.say(`Console: ${urlOf(story.port)}/`);
  if (story.signIn) {
    display.say(`Sign in as ${story.signIn.email} with ${story.signIn.password} (also in ${folder.file}).`);
  }
  display.say('Ctrl-C stops the application and the outside world.');
  // From here on another demonstration of this folder may take over.
  await rm(folder.pidFile('demo'), { force: true });
  const ended = (async () => {
    while (app.ended === null) await new Promise((done) => setTimeout(done, 250));
  })();
  const why = await Promise.race([
    stop.asked.then(() => 'asked' as const),
    ended.then(() => 'ended' as const),
  ]);
  if (why === 'ended') {
    display.say(`The application has ended (${app.ended}).`, 'error');
    return 1;
  }
  display.say('Stopping.');
  await closeAll();
  return 0;
}

main().then(
  (status) => process.exit(status),
  (error: Error) => {
    process.stderr.write(`demo: ${error.message}\n`);
    process.exit(error instanceof Misused ? 2 : 1);
  },
);
