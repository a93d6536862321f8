import { AsyncLocalStorage } from 'node:async_hooks';
import type { Writable } from 'node:stream';
import type { LoggerService } from '@nestjs/common';
import { pino, stdSerializers, type Logger } from 'pino';
import { errorText } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import type { Config } from '../config/config.ts';

/** What every log line of one piece of work carries. */
interface Trail {
  correlationId: string;
}

const trails = new AsyncLocalStorage<Trail>();

/** Runs `work` so that every line it logs, and every outbox row it writes, carries this correlation id. */
export function withCorrelation<T>(correlationId: string, work: () => T): T {
  return trails.run({ correlationId }, work);
}

/** The correlation id of the work in hand; a new one where nothing gave one. */
export function correlationId(): string {
  return trails.getStore()?.correlationId ?? newId();
}

/** Runs whatever it is given as part of the work that is in hand now. */
export function sameWork(): <T>(what: () => T) => T {
  const trail = trails.getStore();
  return (what) => trails.run(trail as Trail, what);
}

/** A correlation id that a caller offers is taken only in this form: it goes into log lines and database rows. */
export const CORRELATION_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** Injection token of the process's logger. */
export abstract class Log {
  abstract fatal(facts: object, message: string): void;
  abstract error(facts: object, message: string): void;
  abstract warn(facts: object, message: string): void;
  abstract info(facts: object, message: string): void;
  abstract debug(facts: object, message: string): void;
}

/** What no line may carry, wherever it stands in the facts of a line. */
const HIDDEN = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'token',
  'secret',
  'value',
  'x-csrf-token',
  '_csrf',
].flatMap((name) => {
  const key = /^[a-z_]+$/.test(name) ? name : `["${name}"]`;
  const after = (path: string) => (key.startsWith('[') ? `${path}${key}` : `${path}.${key}`);
  return [key, after('*'), after('*.*'), after('*.*.*')];
});

/** The process's logger: JSON lines, one correlation id, no secret by name, no control character from an error. */
export function createLog(config: Pick<Config, 'logLevel'>, to?: Writable): Logger {
  const options = {
    level: config.logLevel,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    // A copy: pino adds to what the mixin returns, and the store itself would carry one line's facts into the next.
    mixin: () => ({ ...trails.getStore() }),
    redact: { paths: HIDDEN, censor: '[hidden]' },
    serializers: { err: errorFacts, error: errorFacts, req: requestFacts, res: stdSerializers.res },
  };
  return to ? pino(options, to) : pino(options);
}

/** An error as a line may show it: name, message and stack without what forges lines or terminals, cause included. */
function errorFacts(thrown: unknown): object {
  if (!(thrown instanceof Error)) return { message: errorText(thrown) };
  const stack = (thrown.stack ?? '')
    .split('\n')
    .slice(1, 12)
    .map((line) => errorText(line).trim());
  return {
    message: errorText(thrown),
    ...('code' in thrown && typeof thrown.code === 'string' ? { code: errorText(thrown.code) } : {}),
    stack,
    ...(thrown.cause === undefined ? {} : { cause: errorText(thrown.cause) }),
  };
}

/** Of a request: method and path. Never its headers; never its query, where a link's token may stand. */
function requestFacts(request: { method?: string; url?: string; id?: unknown }): object {
  return { method: request.method, path: errorText(request.url?.split('?')[0] ?? '') };
}

/** Nest's own lines through the same logger. */
export class NestLog implements LoggerService {
  constructor(private readonly to: Logger) {}

  private write(
    level: 'info' | 'error' | 'warn' | 'debug' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = rest.length > 0 && typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined;
    if (message instanceof Error) this.to[level]({ context, err: message }, message.message);
    else this.to[level]({ context }, errorText(message));
  }
  log(message: unknown, ...rest: unknown[]): void {
    // Nest tells of each route and module at start; that is detail here.
    this.write('debug', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }
}
