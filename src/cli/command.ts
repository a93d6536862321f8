import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Command } from 'commander';
import { newId } from '../kernel/ids.ts';
import { Refused, type Refusal } from '../kernel/errors.ts';
import { system, type Principal } from '../kernel/principal.ts';
import type { Result } from '../kernel/result.ts';
import { createApp } from '../create-app.ts';
import { migrations } from '../data-source.ts';
import type { Config } from '../platform/config/config.ts';
import { openDatabase } from '../platform/database/open.ts';
import { withCorrelation } from '../platform/log/log.ts';
import { configured } from './failure.ts';

/** Adds one command to the program. */
export type AddCommand = (program: Command) => void;

/** Who acts on a command line: somebody with the database's password. */
function operator(correlationId: string): Principal {
  return system('cli', correlationId);
}

/**
 * Runs `work` with the application, connected but neither serving nor working, on the database of the configuration: a
 * running embedded server of the same data folder is used, else one is started and stopped again. What the command leaves
 * in the outbox is done by the server.
 */
export async function withApp<T>(
  work: (app: NestFastifyApplication, by: Principal) => Promise<T>,
): Promise<T> {
  const config = configured();
  const database = await openDatabase(config, { migrations });
  if (database.isNew) process.stderr.write(madeAnew(config));
  try {
    const app = await createApp({
      config: quiet(database.config),
      duties: { serves: false, works: false },
      logTo: process.stderr,
    });
    try {
      const correlationId = newId();
      return await withCorrelation(correlationId, () => work(app, operator(correlationId)));
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}

/** Whoever means another database than an empty one hears of it before they wonder. */
function madeAnew({ dataFolder }: Config): string {
  return `countersign: ${dataFolder} held no database, so that a new one was made there. COUNTERSIGN_DATA names the folder of another, DATABASE_URL a server.\n`;
}

/** A command's standard output is its answer; only warnings go to standard error. */
function quiet(config: Config): Config {
  return { ...config, logLevel: config.logLevel === 'silent' ? 'silent' : 'warn' };
}

/** The value of a result, or its refusal on the way to standard error. */
export function accepted<T>(result: Result<T, Refusal>): T {
  if (result.ok) return result.value;
  throw new Refused(result.error);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
