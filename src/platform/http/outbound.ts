import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Agent, type buildConnector, type Dispatcher } from 'undici';
import type { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import { Clock } from '../clock/clock.ts';
import { DialError, Dialler, type Resolve } from './dialler.ts';
import { Redactor } from './redactor.ts';
import { secured, type Shown } from './secure-over.ts';

export interface OutboundRequest {
  method: string;
  /** http or https. Plain http only where the exact host:port was allowed by the operator. */
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** For everything together: name, connection, answer to its last byte. */
  timeout: Millis;
  /** Of the decoded answer. */
  maxBytes: number;
  signal?: AbortSignal;
  /** Masked in whatever this call says of itself. */
  secrets?: readonly Secret[];
  /** Mutual TLS: what we show, and whom the peer's own certificate must come from. Refused where the address is plain http. */
  shown?: Shown | undefined;
}

/** What went over the wire, fit to be kept. */
export interface WireRecord {
  method: string;
  /** With every secret and query value masked. */
  url: string;
  status: number | null;
  /** Of the answer's body: no secret, no control characters, at most 2,000 characters. */
  extract: string;
  startedAt: Millis;
  endedAt: Millis;
  /** Absent when a whole answer came. */
  failure?: OutboundFailure;
}

export type OutboundFailure =
  'refused_by_guard' | 'dns' | 'connect' | 'tls' | 'timeout' | 'too_large' | 'aborted' | 'protocol';

export type OutboundAnswer =
  /** A whole answer, of whatever status; a redirect is one too and is never followed. */
  | { ok: true; status: number; headers: Readonly<Record<string, string>>; body: Buffer; record: WireRecord }
  /** `sent`: the request may have reached the peer, so that its effect is unknown. */
  | { ok: false; failure: OutboundFailure; why: string; sent: boolean; record: WireRecord };

type Outcome =
  | { status: number; headers: Record<string, string>; body: Buffer }
  | { failure: OutboundFailure; why: string; status: number | null; sent: boolean };

const MAX_HEADER_BYTES = 16 * 1024;
/** A peer that closes an idle connection while we write makes an answer "unknown": let go before it does. */
const IDLE: Millis = 1500;
const LONGEST_IDLE: Millis = 3000;
const DIAL: Millis = 10_000;
const METHOD = /^[A-Z]{3,20}$/;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Ours to set, or a way to carry something over from one call to the next. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'cookie',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
]);

/**
 * The one guarded way out. Whatever calls another machine goes through here: suppliers, webhooks, sources, mail.
 * Never follows a redirect, keeps no cookie, knows no proxy; limits the decoded bytes and the whole time.
 */
export class Outbound {
  readonly #dialler: Dialler;
  readonly #agent: Agent;
  readonly #showing = new Map<string, { agent: Agent; users: number; idle?: NodeJS.Timeout }>();

  constructor(
    config: { outboundAllow: readonly string[] },
    private readonly clock: Clock,
    options: { resolve?: Resolve } = {},
  ) {
    this.#dialler = new Dialler(config.outboundAllow, options.resolve);
    this.#agent = this.#agentShowing(undefined);
  }

  #agentShowing(shown: Shown | undefined): Agent {
    return new Agent({
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: IDLE,
      keepAliveMaxTimeout: LONGEST_IDLE,
      connections: 64,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, done) => void this.#open(options, shown, done),
    });
  }

  async #open(
    options: buildConnector.Options,
    shown: Shown | undefined,
    done: buildConnector.Callback,
  ): Promise<void> {
    const tls = options.protocol === 'https:';
    const port = Number(options.port) || (tls ? 443 : 80);
    const host = options.hostname;
    let socket: Socket;
    try {
      socket = shown
        ? await secured(
            await this.#dialler.open({ host, port, tls: false, timeout: DIAL }),
            host,
            shown,
            DIAL,
          )
        : await this.#dialler.open({ host, port, tls, timeout: DIAL });
    } catch (error) {
      done(error as Error, null);
      return;
    }
    done(null, socket);
  }

  /**
   * Connections on which one certificate is shown are shared by the requests that show it, and by no others. They, and
   * the key with them, are let go of when the last of these requests has been over for as long as a connection idles.
   */
  #lend(shown: Shown | undefined): { agent: Agent; back: () => void } {
    if (!shown) return { agent: this.#agent, back: () => undefined };
    const key = createHash('sha256')
      .update(JSON.stringify([shown.key, shown.cert, shown.ca]))
      .digest('hex');
    const lent = this.#showing.get(key) ?? { agent: this.#agentShowing(shown), users: 0 };
    this.#showing.set(key, lent);
    lent.users += 1;
    clearTimeout(lent.idle);
    const back = () => {
      lent.users -= 1;
      if (lent.users > 0) return;
      lent.idle = setTimeout(() => {
        this.#showing.delete(key);
        void lent.agent.close();
      }, LONGEST_IDLE).unref();
    };
    return { agent: lent.agent, back };
  }

  /** Never throws for what the peer, the network or the request's values do: every such thing is an answer. */
  async request(request: OutboundRequest): Promise<OutboundAnswer> {
    const redactor = new Redactor(request.secrets ?? []);
    const startedAt = this.clock.now();
    const refused = this.#refusal(request);
    const outcome: Outcome = refused
      ? { ...refused, status: null, sent: false }
      : await this.#exchange(request);
    const failed = 'failure' in outcome;
    const record: WireRecord = {
      method: redactor.text(request.method, 20),
      url: redactor.url(request.url),
      status: outcome.status,
      extract: failed ? redactor.text(outcome.why) : redactor.text(outcome.body.toString('utf8')),
      startedAt,
      endedAt: this.clock.now(),
      ...(failed ? { failure: outcome.failure } : {}),
    };
    return failed
      ? { ok: false, failure: outcome.failure, why: redactor.text(outcome.why), sent: outcome.sent, record }
      : { ok: true, ...outcome, record };
  }

  /** A raw connection under the same guard, for SMTP and the like. @throws DialError */
  connect(
    host: string,
    port: number,
    options: { tls?: boolean; timeout?: Millis; signal?: AbortSignal } = {},
  ): Promise<Socket> {
    return this.#dialler.open({
      host,
      port,
      tls: options.tls ?? false,
      timeout: options.timeout ?? 10_000,
      signal: options.signal,
    });
  }

  /** Closes idle connections; those in use end with their request. */
  async close(): Promise<void> {
    const showing = [...this.#showing.values()];
    this.#showing.clear();
    for (const { idle } of showing) clearTimeout(idle);
    await Promise.all([this.#agent, ...showing.map(({ agent }) => agent)].map((agent) => agent.close()));
  }

  /** What is wrong with the request itself. Names a bad header, never its value: Node's own message would show it. */
  #refusal(request: OutboundRequest): { failure: OutboundFailure; why: string } | null {
    const guard = (why: string) => ({ failure: 'refused_by_guard' as const, why });
    const malformed = (why: string) => ({ failure: 'protocol' as const, why });
    if (!URL.canParse(request.url)) return malformed('the URL is malformed');
    const url = new URL(request.url);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return guard('only http and https are spoken');
    if (url.protocol === 'http:' && request.shown) {
      return guard('a certificate can be shown over https only, and the address is plain http');
    }
    if (url.username !== '' || url.password !== '') return guard('the URL carries a user name or password');
    if (url.protocol === 'http:' && !this.#dialler.allows(url.hostname, url.port || 80)) {
      return guard(
        `plain http to ${url.hostname}:${url.port || 80} is refused; only an exact host:port in COUNTERSIGN_OUTBOUND_ALLOW may be spoken to without TLS`,
      );
    }
    if (!METHOD.test(request.method)) return malformed('the method is malformed');
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      if (!HEADER_NAME.test(name)) return malformed('a header name has characters that HTTP forbids');
      if (RESERVED_HEADERS.has(name.toLowerCase())) return malformed(`the header ${name} may not be set`);
      if (!HEADER_VALUE.test(value)) return malformed(`the header ${name} has characters that HTTP forbids`);
    }
    if (request.signal?.aborted) return { failure: 'aborted', why: 'given up before it began' };
    return null;
  }

  #exchange(request: OutboundRequest): Promise<Outcome> {
    return new Promise((resolve) => {
      const url = new URL(request.url);
      let sent = false;
      let status: number | null = null;
      let headers: Record<string, string> = {};
      const chunks: Buffer[] = [];
      let bytes = 0;
      let controller: Dispatcher.DispatchController | null = null;
      let settled = false;
      const { agent, back } = this.#lend(request.shown);
      const settle = (outcome: Outcome) => {
        if (settled) return;
        settled = true;
        back();
        clearTimeout(timer);
        request.signal?.removeEventListener('abort', onAbort);
        resolve(outcome);
      };
      const fail = (failure: OutboundFailure, why: string) => {
        settle({ failure, why, status, sent });
        controller?.abort(new Error('the exchange is over'));
      };
      const timer = setTimeout(
        () => fail('timeout', `no whole answer within ${request.timeout} ms`),
        request.timeout,
      );
      const onAbort = () => fail('aborted', 'given up while waiting for the answer');
      request.signal?.addEventListener('abort', onAbort, { once: true });

      const handler: Dispatcher.DispatchHandler = {
        onRequestStart: (its) => {
          controller = its;
          // Given up while the connection was being made: nothing is written.
          if (settled) its.abort(new Error('the exchange is over'));
          else sent = true;
        },
        onResponseStart: (_its, code, received) => {
          if (code < 200) return;
          status = code;
          headers = plainHeaders(received);
          if (Number(headers['content-length']) > request.maxBytes)
            fail('too_large', `the answer is larger than ${request.maxBytes} bytes`);
        },
        onResponseData: (_its, chunk) => {
          bytes += chunk.length;
          if (bytes > request.maxBytes)
            fail('too_large', `the answer is larger than ${request.maxBytes} bytes`);
          else chunks.push(chunk);
        },
        onResponseEnd: () => {
          const [code, its] = [status ?? 0, headers];
          decoded(Buffer.concat(chunks), its['content-encoding'], request.maxBytes).then(
            (body) => settle({ status: code, headers: its, body }),
            (problem: { failure: OutboundFailure; why: string }) =>
              settle({ ...problem, status: code, sent }),
          );
        },
        onResponseError: (_its, error) => {
          const { failure, why } = classified(error);
          settle({ failure, why, status, sent: sent && !(error instanceof DialError) });
        },
      };
      try {
        agent.dispatch(
          {
            origin: url.origin,
            path: url.pathname + url.search,
            method: request.method,
            headers: {
              'user-agent': 'countersign',
              'accept-encoding': 'gzip, deflate, br',
              ...lowerCased(request.headers),
            },
            body: request.body ?? null,
          },
          handler,
        );
      } catch (error) {
        const { failure, why } = classified(error);
        settle({ failure, why, status, sent });
      }
    });
  }
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function plainHeaders(received: Record<string, string | string[] | undefined>): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(received)) {
    if (value === undefined || name.toLowerCase() === 'set-cookie') continue;
    headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

const DECODERS: Readonly<
  Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress),
};

/** The limit holds for what comes out: 50 MB of zeros travel as 50 kB of gzip. A chain of encodings is refused. */
async function decoded(raw: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity' || raw.length === 0) return raw;
  const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (!decode) throw { failure: 'protocol', why: 'the answer has an encoding that was not asked for' };
  try {
    return await decode(raw, { maxOutputLength: maxBytes });
  } catch (error) {
    throw (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
      ? { failure: 'too_large', why: `the answer unpacks to more than ${maxBytes} bytes` }
      : { failure: 'protocol', why: 'the answer does not unpack' };
  }
}

/** Our own words only: a library's message may quote what we sent. */
function classified(error: unknown): { failure: OutboundFailure; why: string } {
  if (error instanceof DialError) return { failure: error.kind, why: error.message };
  const given = (error as { code?: unknown } | null)?.code;
  const code = typeof given === 'string' ? given : '';
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW') {
    return { failure: 'too_large', why: `the answer has more than ${MAX_HEADER_BYTES} bytes of headers` };
  }
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') {
    return { failure: 'protocol', why: 'the connection ended before the answer was whole' };
  }
  return {
    failure: 'protocol',
    why: `the exchange broke (${/^[A-Z0-9_]{2,60}$/.test(code) ? code : 'no reason given'})`,
  };
}
