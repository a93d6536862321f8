import { Readable } from 'node:stream';
import type { Exchange } from '../../../domain/revocation/connector.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { SECOND, type Millis } from '../../../kernel/time.ts';
import { retryAfter } from '../../../platform/http/answer-table.rules.ts';
import type { Outbound, OutboundAnswer } from '../../../platform/http/outbound.ts';

const TIMEOUT = 15 * SECOND;
const MAX_BYTES = 256 * 1024;

/** Who asks, and where. */
export interface AwsAccess {
  accessKeyId: Secret;
  secretAccessKey: Secret;
  region: string;
  /** The service's address. */
  endpoint: string;
}

/** What the official clients are built with: nothing is left for them to find in the environment, files or metadata. */
export interface AwsClientConfig {
  region: string;
  endpoint: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  requestHandler: {
    handle(request: SdkRequest): Promise<{ response: SdkResponse }>;
  };
  maxAttempts: number;
  retryMode: string;
  defaultsMode: 'standard';
  useDualstackEndpoint: boolean;
  useFipsEndpoint: boolean;
  userAgentAppId: string;
  authSchemePreference: string[];
  sigv4aSigningRegionSet: string[];
}

interface SdkRequest {
  method: string;
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  body?: unknown;
}
interface SdkResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: Readable;
}

export type AwsHeard<T> =
  | { kind: 'answer'; value: T; status: number; body: Buffer; exchange: Exchange }
  /** An answer that the client does not take for a good one. `code`: as the service names it; empty: it names none. */
  | { kind: 'error'; status: number; code: string; body: Buffer; retryAfter?: Millis; exchange: Exchange }
  /** `sent`: it may have reached the service. */
  | { kind: 'failure'; why: string; sent: boolean; exchange: Exchange };

/**
 * The official clients, which sign and read, over the guarded way out, which alone dials. One client a call and one try a
 * client: whether something is asked again is the engine's to decide.
 *
 * @param send      builds the service's client and sends one command with it
 * @param o.hidden  the answer brings a secret that nobody could mask: its body is not kept
 */
export async function askAws<T>(
  outbound: Outbound,
  access: AwsAccess,
  call: { signal: AbortSignal; now(): Millis },
  send: (config: AwsClientConfig) => Promise<T>,
  o: { secrets?: readonly Secret[]; hidden?: boolean } = {},
): Promise<AwsHeard<T>> {
  let wire: OutboundAnswer | null = null;
  const startedAt = call.now();
  const handle = async (request: SdkRequest): Promise<{ response: SdkResponse }> => {
    const answer = await outbound.request({
      method: request.method,
      url: urlOf(request),
      headers: ours(request.headers),
      ...(request.body === undefined ? {} : { body: bytesOf(request.body) }),
      timeout: TIMEOUT,
      maxBytes: MAX_BYTES,
      signal: call.signal,
      secrets: [access.accessKeyId, access.secretAccessKey, ...(o.secrets ?? [])],
    });
    wire = answer;
    if (!answer.ok) throw new Error('no answer');
    const body = Readable.from([answer.body]);
    return { response: { statusCode: answer.status, headers: { ...answer.headers }, body } };
  };
  const config = access.accessKeyId.use((accessKeyId) =>
    access.secretAccessKey.use((secretAccessKey) => ({
      region: access.region,
      endpoint: access.endpoint,
      credentials: { accessKeyId, secretAccessKey },
      requestHandler: { handle },
      maxAttempts: 1,
      retryMode: 'standard',
      defaultsMode: 'standard' as const,
      useDualstackEndpoint: false,
      useFipsEndpoint: false,
      userAgentAppId: 'countersign',
      authSchemePreference: ['sigv4'],
      sigv4aSigningRegionSet: [access.region],
    })),
  );
  let result: { value: T } | { thrown: unknown };
  try {
    result = { value: await send(config) };
  } catch (thrown) {
    result = { thrown };
  }
  const answer = wire as OutboundAnswer | null;
  if (!answer) {
    const why = 'the request could not be made of what is at hand';
    return {
      kind: 'failure',
      why,
      sent: false,
      exchange: unsent(access.endpoint, startedAt, call.now(), why),
    };
  }
  if (!answer.ok) return { kind: 'failure', why: answer.why, sent: answer.sent, exchange: answer.record };
  const { status, body } = answer;
  const good = 'value' in result && status >= 200 && status < 300;
  const exchange =
    o.hidden && good
      ? { ...answer.record, extract: 'the answer is not kept: it brings a secret' }
      : answer.record;
  if ('value' in result && good) return { kind: 'answer', value: result.value, status, body, exchange };
  const wait = retryAfter(answer.headers, call.now());
  return {
    kind: 'error',
    status,
    code: codeOf(answer.body),
    body,
    exchange,
    ...(wait === undefined ? {} : { retryAfter: wait }),
  };
}

/** How a service names an error: `<Code>` in XML, `__type` in JSON. Empty: it names none. */
export function codeOf(body: Buffer): string {
  const text = body.toString('utf8');
  const xml = /<(?:[\w-]+:)?Code>\s*([A-Za-z][A-Za-z.]{0,100})\s*</.exec(text)?.[1];
  if (xml) return xml;
  return /^\s*\{[\s\S]*?"__type"\s*:\s*"(?:[^"#]*#)?([A-Za-z]{1,100})"/.exec(text)?.[1] ?? '';
}

function urlOf(request: SdkRequest): string {
  const url = new URL(`${request.protocol}//${request.hostname}`);
  if (request.port !== undefined) url.port = String(request.port);
  url.pathname = request.path;
  for (const [name, value] of Object.entries(request.query ?? {}))
    for (const one of [value].flat()) url.searchParams.append(name, one ?? '');
  return url.href;
}

/** The two that the way out sets itself, to the values that were signed. */
function ours(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { host: _host, 'content-length': _length, ...rest } = headers;
  return rest;
}

function bytesOf(body: unknown): string | Buffer {
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new Error('the body is neither text nor bytes');
}

function unsent(url: string, startedAt: Millis, endedAt: Millis, extract: string): Exchange {
  return { method: 'POST', url, status: null, extract, startedAt, endedAt, failure: 'protocol' };
}
