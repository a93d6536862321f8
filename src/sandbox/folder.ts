import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import type { Health, WorldDescriptor, WorldPorts } from './control/schema.ts';

export const descriptorFile = (dir: string): string => join(dir, 'world.json');

/** What the folder remembers of an earlier world, or null. */
export async function readDescriptor(dir: string): Promise<WorldDescriptor | null> {
  try {
    return JSON.parse(await readFile(descriptorFile(dir), 'utf8')) as WorldDescriptor;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Error(`${descriptorFile(dir)} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Makes the folder ready for one world.
 *
 * @throws Error when another world serves it
 */
export async function prepareFolder(dir: string): Promise<{ before: WorldDescriptor | null }> {
  await mkdir(dir, { recursive: true });
  // Below it lie tokens and, sealed, values; only its owner may look.
  await chmod(dir, 0o700);
  const before = await readDescriptor(dir);
  const alive = before ? await healthOf(before) : null;
  if (alive) throw new Error(`a world already serves ${dir} (process ${alive.pid}); stop it first`);
  return { before };
}

export async function writeDescriptor(
  dir: string,
  before: WorldDescriptor | null,
  ports: WorldPorts,
): Promise<WorldDescriptor> {
  const descriptor: WorldDescriptor = {
    worldId: before?.worldId ?? randomUUID(),
    pid: process.pid,
    startedAt: new Date().toISOString(),
    controlToken: before?.controlToken ?? randomBytes(24).toString('base64url'),
    ports,
  };
  await writeWhole(descriptorFile(dir), `${JSON.stringify(descriptor, null, 2)}\n`);
  return descriptor;
}

/** Writes beside the file and renames, so that a reader finds the old or the new text and nothing between. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file).catch(async (error: Error) => {
    await rm(beside, { force: true });
    throw error;
  });
}

/** The health of the world that the descriptor tells of, if it is that world which answers. */
export async function healthOf(descriptor: WorldDescriptor): Promise<Health | null> {
  try {
    const answer = await request(`http://127.0.0.1:${descriptor.ports.control}/control/health`, {
      signal: AbortSignal.timeout(3_000),
    });
    const health = (await answer.body.json()) as Health;
    return health.worldId === descriptor.worldId ? health : null;
  } catch {
    return null;
  }
}
