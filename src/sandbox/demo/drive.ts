import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { SpawnedWorld } from '../client.ts';
import { stageLeak, deliverAll } from './leak.ts';
import { connectCodeHost, documentFor, equipConnections, importDocument, introducePeople } from './equip.ts';
import type { Display } from './display.ts';
import { Look } from './look.ts';
import type { Sight } from './look.ts';
import { OPERATOR, contactOf } from './portfolio/catalogue.ts';
import { runCli } from './processes.ts';
import type { AppProcess, Entries } from './processes.ts';
import { Product } from './product.ts';
import { linesBetween } from './scene.rules.ts';
import type { Leak, Story, StoryFolder } from './story.ts';

/** The application has ended under the demonstration. */
export class AppEnded extends Error {}

export interface Cast {
  folder: StoryFolder;
  story: Story;
  world: SpawnedWorld;
  entries: Entries;
  display: Display;
  /** Milliseconds between two deliveries, so that somebody who watches can follow. */
  pace: number;
}

/** Nothing may have moved for so long. */
const STILL_MS = 1_500;
const LOOK_MS = 300;
/** Looked at less often while nothing changes. */
const IDLE_LOOK_MS = 750;
/** After so long without a movement the reader is told what is waited for. */
const QUIET_MS = 10_000;
/** After so long without an end something is wrong. */
const PATIENCE_MS = 10 * 60_000;

/** One leak: everything that is new of it, once. Work of the outside world alone. */
export async function stage(cast: Omit<Cast, 'display'> & { display: Pick<Display, 'say'> }): Promise<Leak> {
  const { story, folder, world } = cast;
  const staged = await stageLeak(world.client, story.leaks.length + 1, story.versions);
  story.leaks.push(staged.leak);
  story.versions.push(...staged.versions);
  await folder.write(story);
  cast.display.say(
    `${staged.versions.length} credentials issued by their suppliers; ${staged.leak.leaked.length} of them stand in the repository ${staged.leak.repo}.`,
  );
  return staged.leak;
}

/** The product with the demonstration's own token, made on the command line like any operator's. */
export async function enter(cast: Cast, app: AppProcess, env: NodeJS.ProcessEnv): Promise<Product> {
  const { story, folder, entries } = cast;
  if (story.adminToken === null) {
    story.adminToken = await makeToken(entries, env, ['--role', 'admin', '--name', 'demonstration']);
    await folder.write(story);
  }
  const product = new Product(app.url, story.adminToken);
  if (story.signIn === null) {
    const responder = contactOf(OPERATOR, 'security');
    const password = randomBytes(15).toString('base64url');
    // Kept before it is set, so that a run that is cut off between the two knows it.
    story.signIn = { email: responder.email, password };
    await folder.write(story);
  }
  return product;
}

/** @returns the value of a new API token, made on the command line of the host */
async function makeToken(
  entries: Entries,
  env: NodeJS.ProcessEnv,
  options: readonly string[],
): Promise<string> {
  const made = JSON.parse(await runCli(entries.cli, ['token', 'create', ...options, '--json'], env)) as {
    value: string;
  };
  return made.value;
}

async function ensureUser(cast: Cast, product: Product): Promise<void> {
  const { signIn } = cast.story;
  if (!signIn) return;
  const { users } = await product.get<{ users: { email: string }[] }>('/api/v1/users');
  if (users.some((user) => user.email.toLowerCase() === signIn.email)) return;
  const { name } = contactOf(OPERATOR, 'security');
  await product.post('/api/v1/users', { ...signIn, name, roles: ['admin', 'responder'] });
}

/** Brings the product to where the leak can be reported: everything of it that is not done yet. */
export async function prepare(
  cast: Cast,
  product: Product,
  leak: Leak,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { story, folder, world, display, entries } = cast;
  const keep = () => folder.write(story);
  await ensureUser(cast, product);
  if (!leak.imported) {
    const created = await importDocument(product, await documentFor(world.client, story, leak));
    leak.imported = true;
    await keep();
    display.say(
      `The portfolio is imported: ${created} records of parties, integrations, credentials, copies and what is agreed.`,
    );
  }
  await equipConnections(product, world.client, story, keep);
  if (!story.people) {
    await introducePeople(product, world.client, ({ userId, name, role }) =>
      makeToken(entries, env, ['--user', userId, '--role', role, '--name', name]),
    );
    story.people = true;
    await keep();
  }
  if (!story.hook) {
    await connectCodeHost(product, world.client);
    story.hook = true;
    await keep();
  }
}

/** Reports the leak and shows what comes of it, until nothing moves any more. */
export async function play(cast: Cast, product: Product, app: AppProcess, leak: Leak): Promise<Sight> {
  const { world, display } = cast;
  const look = new Look(product, world.client, leak);
  let delivered = false;
  const delivering = deliverAll(world.client, leak, {
    told: (planned, again) => display.say(`${planned.what}${again ? ', once more' : ''}`, 'reported'),
    pause: () => delay(cast.pace),
  }).then(() => {
    delivered = true;
  });
  // Its failure is met where it is waited for.
  delivering.catch(() => undefined);
  const failed = delivering.then(
    () => null,
    (error: Error) => error,
  );
  let sight = await look.sight();
  display.show(sight.scene);
  let signature = '';
  let since = Date.now();
  let movedAt = Date.now();
  let toldAt = 0;
  for (;;) {
    if (app.ended !== null) throw new AppEnded(`the application has ended (${app.ended})`);
    const problem = await Promise.race([
      failed,
      delay(Date.now() - movedAt > 2_000 ? IDLE_LOOK_MS : LOOK_MS, null),
    ]);
    if (problem) throw problem;
    const next = await look.sight();
    for (const line of linesBetween(sight.scene, next.scene)) display.say(line.text, line.kind);
    sight = next;
    display.show(sight.scene);
    if (sight.signature !== signature) {
      signature = sight.signature;
      since = Date.now();
      movedAt = since;
    }
    if (sight.moving.length > 0 || !delivered) since = Date.now();
    if (Date.now() - since >= STILL_MS) {
      if ((await look.unplanned()).length === 0) return sight;
      since = Date.now();
    }
    if (Date.now() - Math.max(movedAt, toldAt) > QUIET_MS) {
      toldAt = Date.now();
      const awaited = [...sight.moving, ...(await look.unplanned()), ...(delivered ? [] : ['a delivery'])];
      if (awaited.length > 0) display.say(awaited.slice(0, 3).join('; '), 'waits');
    }
    if (Date.now() - movedAt > PATIENCE_MS) {
      throw new Error(
        `nothing has changed for ten minutes, and this should still move: ${sight.moving.slice(0, 5).join('; ')}`,
      );
    }
  }
}
