import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, Faults, RequestKind } from './faults.ts';
import type { Journal } from './journal.ts';
import type { RequestLog, RequestRecord } from './request-log.ts';

export interface Answer {
  status: number;
  headers?: Record<string, string | string[]>;
  /** An object is sent as JSON. */
  body?: string | Buffer | object;
}

/** Thrown by a handler to answer with a refusal. */
export class Refuse extends Error {
  constructor(
    readonly status: number,
    readonly body: object,
    readonly headers: Record<string, string> = {},
  ) {
    super(`refused with ${status}`);
  }
}

/** One request with its whole body, as handlers see it. */
export class Asked {
  readonly method: string;
  readonly url: URL;
  readonly path: string;
  params: Record<string, string> = {};

  constructor(
    readonly raw: IncomingMessage,
    readonly body: Buffer,
  ) {
    this.method = raw.method ?? 'GET';
    this.url = new URL(raw.url ?? '/', 'http://world.invalid');
    this.path = this.url.pathname;
  }

  header(name: string): string | undefined {
    const value = this.raw.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** The token of `Authorization: Bearer …`, or null. */
  bearer(): string | null {
    return /^(?:bearer|token) +(\S+)$/i.exec(this.header('authorization') ?? '')?.[1] ?? null;
  }

  /** Name and password of `Authorization: Basic …` (form-encoded as RFC 6749 §2.3.1 has it), or null. */
  basic(): { name: string; password: string } | null {
    const encoded = /^basic +(\S+)$/i.exec(this.header('authorization') ?? '')?.[1];
    if (!encoded) return null;
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0) return null;
    try {
      return {
        name: decodeURIComponent(text.slice(0, colon)),
        password: decodeURIComponent(text.slice(colon + 1)),
      };
    } catch {
      return null;
    }
  }

  json(): unknown {
    if (this.body.length === 0) return {};
    try {
      return JSON.parse(this.body.toString('utf8'));
    } catch {
      throw new Refuse(400, { error: 'bad_json' });
    }
  }

  form(): URLSearchParams {
    return new URLSearchParams(this.body.toString('utf8'));
  }
}

export interface Route {
  method: string;
  /** `/v1/keys/:id` */
  path: string;
  kind: RequestKind;
  /** Which credential and account a request is about, for the log; never its value. */
  about?: (asked: Asked) => { credential?: string | null; account?: string | null };
  handle: (asked: Asked) => Answer | Promise<Answer>;
  /** What it answers when the supplier lies: the success it would have been. */
  success?: Answer;
}

export interface Place {
  /** As faults name it. */
  key: string;
  routes: Route[];
  /** Largest body in bytes. */
  bodyLimit?: number;
  notFound?: Answer;
  /** Where requests and their effects are written down; without it nothing is logged. */
  record?: { log: RequestLog; journal: Journal<RequestRecord> };
}

type CompiledRoute = Route & { pattern: RegExp; names: string[] };

/** A small HTTP server on loopback that writes down what it is asked, and fails as it is told. */
export class Listener {
  private server: Server;
  private routes: CompiledRoute[] = [];
  private place: Place;
  private boundPort = 0;
  private changing: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(private readonly faults: Faults | null) {}

  /**
   * Binds first and takes up its routes after, since a place may have to know its own address.
   *
   * @param preferredPort tried first; another is taken when somebody else has it
   */
  static async bind(faults: Faults | null, preferredPort: number): Promise<Listener> {
    const listener = new Listener(faults);
    listener.server = listener.make();
    try {
      await listen(listener.server, preferredPort);
    } catch (error) {
      if (preferredPort === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      listener.server = listener.make();
      await listen(listener.server, 0);
    }
    listener.boundPort = (listener.server.address() as AddressInfo).port;
    return listener;
  }

  get port(): number {
    return this.boundPort;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.boundPort}`;
  }

  async serve(place: Place): Promise<void> {
    this.place = place;
    this.routes = place.routes.map((route) => ({ ...route, ...compile(route.path) }));
    this.faults?.onChange(() => this.follow());
    await this.follow();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.follow();
  }

  /** Stops or starts listening, as the faults in force say. */
  private follow(): Promise<void> {
    this.changing = this.change(this.changing);
    return this.changing;
  }

  private async change(before: Promise<void>): Promise<void> {
    await before;
    const wanted = !this.closed && !this.faults?.isDown(this.place?.key);
    if (wanted === this.server.listening) return;
    if (!wanted) {
      const ended = once(this.server, 'close');
      this.server.close();
      this.server.closeAllConnections();
      await ended;
      return;
    }
    this.server = this.make();
    await listen(this.server, this.boundPort).catch((error: Error) => {
      console.error(`${this.place.key} cannot listen on ${this.boundPort} again: ${error.message}`);
    });
  }

  private make(): Server {
    const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (req, res) => {
      this.receive(req, res).catch((error: Error) => {
        console.error(`${this.place?.key}: ${error.stack ?? error.message}`);
        if (!res.headersSent) send(res, { status: 500, body: { error: 'internal' } });
        else req.socket.destroy();
      });
    });
    server.maxConnections = 2_000;
    return server;
  }

  private async receive(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (!this.place) return send(res, { status: 503, headers: { 'retry-after': '1' } });
    const body = await readBody(req, this.place.bodyLimit ?? 256 * 1024);
    if (body === 'too large') {
      return send(res, { status: 413, headers: { connection: 'close' }, body: { error: 'too_large' } });
    }
    if (body === 'broken off') return;
    const asked = new Asked(req, body);
    const route = this.find(asked);
    const record = this.place.record;
    if (!record) return send(res, await this.handled(asked, route));

    const about = route?.about?.(asked) ?? {};
    const seq = record.log.arrive(record.journal, {
      method: asked.method,
      path: asked.path.slice(0, 300),
      kind: route?.kind ?? 'other',
      credential: about.credential ?? null,
      account: about.account ?? null,
      idempotencyKey: asked.header('idempotency-key')?.slice(0, 200) ?? null,
    });
    const fault = this.faults?.take(this.place.key, {
      method: asked.method,
      path: asked.path,
      kind: route?.kind ?? 'other',
      credential: about.credential ?? null,
    });
    const outcome = await this.spoiled(asked, route, fault ?? null, req);
    await record.log.answer(record.journal, seq, {
      status: outcome.answer?.status ?? null,
      answered: outcome.next === 'send',
      fault: fault?.kind ?? null,
    });
    if (outcome.next === 'send') send(res, outcome.answer ?? { status: 500 });
    else if (outcome.next === 'cut') req.socket.destroy();
    // 'hold': the connection stays open until the asker, a stopped listener or a stopped world ends it.
  }

  private async spoiled(
    asked: Asked,
    route: CompiledRoute | null,
    fault: Fault | null,
    req: IncomingMessage,
  ): Promise<{ answer: Answer | null; next: 'send' | 'cut' | 'hold' }> {
    switch (fault?.kind) {
      case 'too_many':
        return { next: 'send', answer: tooMany(fault.retryAfterSeconds ?? 1) };
      case 'error':
        return { next: 'send', answer: { status: fault.status ?? 500, body: { error: 'internal_error' } } };
      case 'lie':
        return { next: 'send', answer: route?.success ?? { status: 200, body: {} } };
      case 'accept_never':
        return { next: 'send', answer: { status: 202, body: { status: 'accepted' } } };
      case 'garbage':
        return { next: 'send', answer: maintenancePage };
      case 'black_hole':
        return { next: 'hold', answer: null };
      case 'lose_answer':
        return { next: 'cut', answer: await this.handled(asked, route) };
      case 'hold_answer':
        return { next: 'hold', answer: await this.handled(asked, route) };
      case 'slow':
        await delay(fault.delayMs ?? 2_000, undefined, { ref: false });
        if (req.destroyed && !req.complete) return { next: 'cut', answer: null };
        return { next: 'send', answer: await this.handled(asked, route) };
      default:
        return { next: 'send', answer: await this.handled(asked, route) };
    }
  }

  private async handled(asked: Asked, route: CompiledRoute | null): Promise<Answer> {
    if (!route) return this.place.notFound ?? { status: 404, body: { error: 'not_found' } };
    try {
      return await route.handle(asked);
    } catch (error) {
      if (error instanceof Refuse) return { status: error.status, headers: error.headers, body: error.body };
      throw error;
    }
  }

  private find(asked: Asked): CompiledRoute | null {
    for (const route of this.routes) {
      const found = route.method === asked.method ? route.pattern.exec(asked.path) : null;
      if (!found) continue;
      try {
        route.names.forEach((name, i) => (asked.params[name] = decodeURIComponent(found[i + 1] ?? '')));
      } catch {
        return null;
      }
      return route;
    }
    return null;
  }
}

const tooMany = (seconds: number): Answer => ({
  status: 429,
  headers: { 'retry-after': String(seconds) },
  body: { error: 'rate_limited' },
});

const maintenancePage: Answer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><title>Be right back</title><p>We are doing some work here.',
};

function compile(path: string): { pattern: RegExp; names: string[] } {
  const names: string[] = [];
  const source = path
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/:([a-z]+)/gi, (_, name: string) => {
      names.push(name);
      return '([^/]+)';
    });
  return { pattern: new RegExp(`^${source}/?$`), names };
}

async function readBody(req: IncomingMessage, limit: number): Promise<Buffer | 'too large' | 'broken off'> {
  if (Number(req.headers['content-length'] ?? 0) > limit) return 'too large';
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limit) return 'too large';
      chunks.push(chunk);
    }
  } catch {
    return 'broken off';
  }
  return Buffer.concat(chunks);
}

function send(res: ServerResponse, answer: Answer): void {
  const body =
    answer.body === undefined
      ? Buffer.alloc(0)
      : Buffer.isBuffer(answer.body) || typeof answer.body === 'string'
        ? Buffer.from(answer.body)
        : Buffer.from(JSON.stringify(answer.body));
  const json = typeof answer.body === 'object' && !Buffer.isBuffer(answer.body);
  res.writeHead(answer.status, {
    ...(json ? { 'content-type': 'application/json; charset=utf-8' } : {}),
    ...(answer.status === 204 ? {} : { 'content-length': body.length }),
    ...answer.headers,
  });
  res.end(answer.status === 204 ? undefined : body);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      done();
    });
  });
}
