import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Millis } from '../../kernel/time.ts';
import { AllowedPeers, whyBlocked } from './addresses.rules.ts';

/** Why no connection came about. `refused_by_guard`: our own decision, no byte left the house. */
export type DialFailure = 'refused_by_guard' | 'dns' | 'connect' | 'tls' | 'timeout' | 'aborted';

export class DialError extends Error {
  override readonly name = 'DialError';
  constructor(
    readonly kind: DialFailure,
    message: string,
  ) {
    super(message);
  }
}

export interface ResolvedAddress {
  address: string;
  family: number;
}
export type Resolve = (host: string) => Promise<ResolvedAddress[]>;

const systemResolve: Resolve = (host) => lookup(host, { all: true });

export interface DialRequest {
  host: string;
  port: number;
  tls: boolean;
  timeout: Millis;
  signal?: AbortSignal;
}

/**
 * Opens connections, and is the only thing here that does. The address that was checked is the address that is dialled:
 * a name is resolved once, every address that it has is checked, and the connection takes one of those.
 */
export class Dialler {
  readonly #allowed: AllowedPeers;

  constructor(
    allow: readonly string[],
    private readonly resolve: Resolve = systemResolve,
  ) {
    this.#allowed = new AllowedPeers(allow);
  }

  allows(host: string, port: number | string): boolean {
    return this.#allowed.has(host, port);
  }

  /** @throws DialError */
  async open(request: DialRequest): Promise<Socket> {
    const host = request.host.replace(/^\[|\]$/g, '');
    const timeout = AbortSignal.timeout(request.timeout);
    const signal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
    const addresses = await unlessAborted(this.#checked(host, request.port), signal, timeout);
    return dial(host, addresses, request, signal, timeout);
  }

  /** Every address of the host, all of them fit to be dialled. */
  async #checked(host: string, port: number): Promise<ResolvedAddress[]> {
    const letThrough = this.#allowed.has(host, port);
    const family = isIP(host);
    const addresses = family === 0 ? await this.#resolved(host) : [{ address: host, family }];
    if (letThrough) return addresses;
    for (const { address } of addresses) {
      const why = whyBlocked(address);
      if (why !== null) {
        throw new DialError(
          'refused_by_guard',
          `${host}:${port} is not a public address (${why}); only an exact host:port in COUNTERSIGN_OUTBOUND_ALLOW may be dialled there`,
        );
      }
    }
    return addresses;
  }

  async #resolved(host: string): Promise<ResolvedAddress[]> {
    let addresses: ResolvedAddress[];
    try {
      addresses = await this.resolve(host);
    } catch (error) {
      throw new DialError('dns', `the name ${host} could not be resolved (${codeOf(error)})`);
    }
    if (addresses.length === 0) throw new DialError('dns', `the name ${host} has no address`);
    return addresses;
  }
}

function dial(
  host: string,
  addresses: ResolvedAddress[],
  request: DialRequest,
  signal: AbortSignal,
  timeout: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const named = isIP(host) === 0;
    const pinned: LookupFunction = (_host, options, answer) => {
      const [first] = addresses;
      if (options.all) answer(null, addresses);
      else answer(null, first?.address ?? '', first?.family);
    };
    const target = { host, port: request.port, lookup: pinned, noDelay: true, keepAlive: true };
    const socket: Socket = request.tls
      ? connectTls({ ...target, ALPNProtocols: ['http/1.1'], ...(named ? { servername: host } : {}) })
      : connectTcp(target);
    let connected = false;
    const fail = (error: DialError) => {
      cleanUp();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const onTcp = () => (connected = true);
    const onReady = () => {
      cleanUp();
      resolve(socket);
    };
    const onError = (error: Error) =>
      fail(
        new DialError(
          request.tls && connected ? 'tls' : 'connect',
          `no ${request.tls && connected ? 'trusted TLS ' : ''}connection to ${host}:${request.port} (${codeOf(error)})`,
        ),
      );
    const onClose = () => onError(new Error('closed'));
    const onAbort = () => fail(abortError(timeout, `connecting to ${host}:${request.port}`));
    const ready = request.tls ? 'secureConnect' : 'connect';
    const cleanUp = () => {
      socket.off('connect', onTcp).off(ready, onReady).off('error', onError).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    socket.once('connect', onTcp).once(ready, onReady).once('error', onError).once('close', onClose);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

function abortError(timeout: AbortSignal, what: string): DialError {
  return timeout.aborted
    ? new DialError('timeout', `${what} took too long`)
    : new DialError('aborted', `${what} was given up`);
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, timeout: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortError(timeout, 'resolving the name'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code) ? code : 'no reason given';
}
