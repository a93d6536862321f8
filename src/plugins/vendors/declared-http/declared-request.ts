import { z } from 'zod';
import type { Call, Exchange, Target } from '../../../domain/revocation/connector.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { SECOND, type Millis } from '../../../kernel/time.ts';
import {
  answerTableSchema,
  retryAfter,
  rowFor,
  type AnswerRow,
} from '../../../platform/http/answer-table.rules.ts';
import { shownOf } from '../../../platform/http/client-certificate.ts';
import type { Outbound } from '../../../platform/http/outbound.ts';
import {
  fillRequest,
  requestTemplateSchema,
  type FilledRequest,
  type RequestTemplate,
} from '../../../platform/http/request-template.rules.ts';

/** For one exchange with a supplier. */
const TIMEOUT = 15 * SECOND;
/** Beyond this no answer is read. */
export const MAX_ANSWER_BYTES = 256 * 1024;

const origin = z
  .url({ protocol: /^https$/ })
  .refine(
    (url) => URL.canParse(url) && new URL(url).origin === url,
    'must be an origin: https and a name alone',
  );

/** The members that every request to a supplier is declared with. */
export function declared<const M extends readonly [string, ...string[]]>(meanings: M) {
  return {
    request: requestTemplateSchema,
    answers: answerTableSchema(meanings),
    /**
     * Where this request goes when the supplier's address is the one on the left; any other address (a test's, a
     * proxy's) takes it as well.
     */
    hosts: z.record(origin, origin).optional(),
    /** Answers may hold a secret that nobody here knows before, such as an access token: no body is kept. */
    secretAnswer: z.literal(true).optional(),
  };
}

/** A request to a supplier, and what each answer to it means. */
export function declaredRequestSchema<const M extends readonly [string, ...string[]]>(meanings: M) {
  return z.strictObject(declared(meanings));
}

export interface DeclaredRequest<M extends string> {
  request: RequestTemplate;
  answers: readonly AnswerRow<M>[];
  hosts?: Readonly<Record<string, string>> | undefined;
  secretAnswer?: boolean | undefined;
}

/** In place of a body that may hold a value that nobody here knew before. */
const NOT_KEPT = 'not kept: an answer to this may hold a secret';
export const withheld = (exchange: Exchange): Exchange =>
  exchange.failure === undefined ? { ...exchange, extract: NOT_KEPT } : exchange;

/** What a request is filled with beside what is known of the target, by the names of its holes. */
export interface More {
  holes?: Readonly<Record<string, string>>;
  secrets?: Readonly<Record<string, Secret>>;
  /** Goes as it stands, in place of a declared body: what looks like a hole in it is none. */
  document?: unknown;
}

function baseOf(hosts: Readonly<Record<string, string>> = {}, baseUrl: string): string {
  const known = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (!known || known.pathname !== '/' || !Object.hasOwn(hosts, known.origin)) return baseUrl;
  return hosts[known.origin] ?? baseUrl;
}

/** What one exchange brought. `row` null: an answer that the table does not list. */
export type Heard<M extends string> =
  | {
      kind: 'answer';
      status: number;
      headers: Readonly<Record<string, string>>;
      body: Buffer;
      row: AnswerRow<M> | null;
      rows: readonly AnswerRow<M>[];
      retryAfter?: Millis;
      exchange: Exchange;
    }
  /** `sent`: it may have reached the supplier. */
  | { kind: 'failure'; why: string; sent: boolean; exchange: Exchange; retryAfter?: Millis }
  /** The request cannot be made of what is at hand; `ownAuthentication`: because the supplier would not let us in. */
  | { kind: 'incomplete'; why: string; exchange: Exchange; ownAuthentication?: true };

/** When the supplier asked to be asked again, for an answer that has room for it. */
export function waitOf({ retryAfter: after }: { retryAfter?: Millis | undefined }): { after?: Millis } {
  return after === undefined ? {} : { after };
}

/** Fills the request for the target, sends it, and looks the answer up. */
export async function ask<M extends string>(
  outbound: Outbound,
  declared: DeclaredRequest<M>,
  target: Target<unknown>,
  call: Call,
  more: More = {},
): Promise<Heard<M>> {
  const reveal = (name: string): string | undefined =>
    more.holes?.[name] ?? more.secrets?.[name]?.use((value) => value) ?? holeOf(name, target, call);
  const filled = fillRequest(declared.request, baseOf(declared.hosts, target.baseUrl), reveal);
  if (!filled.ok) {
    return { kind: 'incomplete', why: filled.error, exchange: unsent(declared.request, call, filled.error) };
  }
  const answer = await outbound.request({
    ...(more.document === undefined ? filled.value : withDocument(filled.value, more.document)),
    timeout: TIMEOUT,
    maxBytes: MAX_ANSWER_BYTES,
    signal: call.signal,
    shown: shownOf(target.auth),
    secrets: [...secretsOf(target), ...Object.values(more.secrets ?? {})],
  });
  if (!answer.ok) return { kind: 'failure', why: answer.why, sent: answer.sent, exchange: answer.record };
  return {
    kind: 'answer',
    status: answer.status,
    headers: answer.headers,
    body: answer.body,
    row: rowFor(declared.answers, answer, reveal),
    rows: declared.answers,
    retryAfter: retryAfter(answer.headers, call.now()),
    exchange: declared.secretAnswer ? withheld(answer.record) : answer.record,
  };
}

function withDocument(request: FilledRequest, document: unknown): FilledRequest {
  const headers = { ...request.headers, 'content-type': 'application/json' };
  return { ...request, headers, body: JSON.stringify(document) };
}

/** The holes that a request may have: what is known of the target. */
export function isKnownHole(name: string): boolean {
  return (
    ['value', 'supplierId', 'kind', 'idempotencyKey'].includes(name) || /^auth\.[a-z][a-z0-9_]*$/.test(name)
  );
}

export function holeOf(name: string, target: Target<unknown>, call: Call): string | undefined {
  if (name === 'value') return target.value?.use((value) => value);
  if (name === 'supplierId') return target.supplierId ?? undefined;
  if (name === 'kind') return target.credentialKind;
  if (name === 'idempotencyKey') return call.idempotencyKey;
  const part = name.startsWith('auth.') ? name.slice('auth.'.length) : '';
  return Object.hasOwn(target.auth, part) ? target.auth[part]?.use((value) => value) : undefined;
}

function secretsOf(target: Target<unknown>): Secret[] {
  return [...Object.values(target.auth), ...(target.value ? [target.value] : [])];
}

export function unsent(request: RequestTemplate, call: Call, why: string): Exchange {
  return { ...notSent(call, why), method: request.method, url: request.path };
}

/** In place of an exchange that never was. */
export function notSent(call: Call, why: string): Exchange {
  const now = call.now();
  return {
    method: '',
    url: '',
    status: null,
    extract: why,
    startedAt: now,
    endedAt: now,
    failure: 'protocol',
  };
}
