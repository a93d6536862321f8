import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Refused, refusal } from './kernel/errors.ts';
import { SECOND } from './kernel/time.ts';
import { createApp } from './create-app.ts';
import { migrations } from './data-source.ts';
import type { Config } from './platform/config/config.ts';
import { PublicUrl } from './platform/config/public-url.ts';
import { openDatabase, type OpenDatabase } from './platform/database/open.ts';
import { Log } from './platform/log/log.ts';

interface Server {
  /** Where it listens: `http://127.0.0.1:4100`. */
  url: string;
  app: NestFastifyApplication;
  /** Intake refused, streams ended, workers drained, HTTP, outbox, queues, database, embedded server. */
  stop(): Promise<void>;
}

/**
 * Starts the process that the configuration describes: database, queues, HTTP.
 *
 * @throws Refused naming the variable and the mend; whatever had been started is stopped again
 */
async function serve(config: Config): Promise<Server> {
  const database = await openDatabase(config, { migrations });
  let app: NestFastifyApplication | undefined;
  try {
    app = await createApp({ config: database.config });
    await app.listen(config.port, config.host);
  } catch (thrown) {
    await app?.close();
    await database.close();
    throw portRefusal(thrown, config);
  }
  database.supervise(app.get(Log));
  const url = await app.getUrl();
  app.get(PublicUrl).listensOn(url);
  app.get(Log).info({ url, role: config.role, pid: process.pid }, 'listening');
  return { url, app, stop: () => stop(app, database) };
}

async function stop(app: NestFastifyApplication, database: OpenDatabase): Promise<void> {
  await app.close();
  await database.close();
}

/** What a refused address means for the operator. */
function portRefusal(thrown: unknown, config: Config): unknown {
  const refuse = (field: string, problem: string, mend: string) =>
    new Refused(
      refusal('unavailable', 'cannot-listen', `${field}: ${problem}. ${mend}`, {
        fields: [{ field, problem, mend }],
      }),
    );
  switch ((thrown as NodeJS.ErrnoException | null)?.code) {
    case 'EADDRINUSE':
      return refuse(
        'COUNTERSIGN_PORT',
        `port ${config.port} of ${config.host} is taken`,
        'Stop what listens there, or set COUNTERSIGN_PORT to another port (0: any free one).',
      );
    case 'EACCES':
      return refuse(
        'COUNTERSIGN_PORT',
        `this account may not listen on port ${config.port}`,
        'Set COUNTERSIGN_PORT to a port above 1023.',
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return refuse(
        'COUNTERSIGN_HOST',
        `this machine has no address ${config.host}`,
        'Set COUNTERSIGN_HOST to an address of this machine, e.g. 127.0.0.1 or 0.0.0.0.',
      );
    default:
      return thrown;
  }
}

/** How long a stop may take before the process ends anyway; what was running is taken up again by its lease. */
const LONGEST_STOP = 40 * SECOND;

/** Serves until a signal says to stop. Resolves with the exit status. */
export async function serveUntilSignal(config: Config): Promise<number> {
  const stopped = new AbortController();
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        // Somebody who asks twice does not want to wait.
        if (stopped.signal.aborted) process.exit(1);
        stopped.abort();
        resolve(signal);
      });
    }
  });
  const server = await serve(config);
  const log = server.app.get(Log);
  if (process.stdout.isTTY) process.stdout.write(`Countersign listens on ${server.url}\n`);
  const failed = new Promise<'failed'>((resolve) => {
    const fall = (thrown: unknown) => {
      log.fatal({ err: thrown, alert: 'process-failed' }, 'an error that nothing caught: the process stops');
      resolve('failed');
    };
    process.on('uncaughtException', fall);
    process.on('unhandledRejection', fall);
  });
  const why = await Promise.race([asked, failed]);
  log.info({ why }, 'stopping');
  setTimeout(() => {
    log.fatal({}, 'the stop took too long');
    process.exit(1);
  }, LONGEST_STOP).unref();
  await server.stop();
  return why === 'failed' ? 1 : 0;
}
