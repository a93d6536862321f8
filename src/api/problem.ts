import { HttpException } from '@nestjs/common';
import { Refused, refusal, type FieldProblem, type Refusal, type RefusalKind } from '../kernel/errors.ts';

/** RFC 9457, with our code, the correlation id, and what each bad field is and how to mend it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  correlationId: string;
  errors?: FieldProblem[];
  /** How many further errors were found and left out. */
  errorsLeftOut?: number;
}

const STATUS: Readonly<Record<RefusalKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition: 412,
  too_large: 413,
  too_many: 429,
  unavailable: 503,
};

/** Codes whose HTTP status says more than their kind does. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  'precondition-required': 428, // RFC 6585
  'unsupported-media-type': 415,
  'too-slow': 408,
  'method-not-allowed': 405,
  'idempotency-key-reused': 422, // draft-ietf-httpapi-idempotency-key-header
};

const TITLE: Readonly<Record<RefusalKind, string>> = {
  invalid: 'The request is not valid',
  unauthenticated: 'Who are you?',
  forbidden: 'Not permitted',
  not_found: 'Not found',
  conflict: 'Not possible in this state',
  precondition: 'Precondition failed',
  too_large: 'Too large',
  too_many: 'Too many requests',
  unavailable: 'Not available now',
};

const TITLE_OF_CODE: Readonly<Record<string, string>> = { 'precondition-required': 'Precondition required' };

/** A client can act on a hundred errors; a hundred thousand are an attack on whoever must write and read them. */
const MOST_ERRORS = 100;

export interface Answer {
  status: number;
  headers: Record<string, string>;
  problem: Problem;
}

/** The one place where a refusal becomes HTTP. */
export function answerTo(refused: Refusal, correlationId: string): Answer {
  const status = STATUS_OF_CODE[refused.code] ?? STATUS[refused.kind];
  const errors = refused.fields?.slice(0, MOST_ERRORS);
  const leftOut = (refused.fields?.length ?? 0) - (errors?.length ?? 0);
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
  };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (refused.retryAfter !== undefined)
    headers['retry-after'] = String(Math.max(1, Math.ceil(refused.retryAfter / 1000)));
  return {
    status,
    headers,
    problem: {
      type: `urn:countersign:problem:${refused.code}`,
      title: TITLE_OF_CODE[refused.code] ?? TITLE[refused.kind],
      status,
      detail: refused.message,
      code: refused.code,
      correlationId,
      ...(errors && errors.length > 0 ? { errors } : {}),
      ...(leftOut > 0 ? { errorsLeftOut: leftOut } : {}),
    },
  };
}

/** What a thrown thing says to a client: a refusal what it is, the framework's own refusals in our words, a bug nothing. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  if (thrown instanceof Refused) return thrown.refusal;
  const status = statusOf(thrown);
  if (status === undefined || status < 400 || status > 599) return undefined;
  return (
    OF_STATUS[status] ??
    (status < 500 ? refusal('invalid', 'bad-request', 'The request cannot be understood.') : undefined)
  );
}

const NOT_YOURS = refusal(
  'forbidden',
  'beyond-own-party',
  'This would write what is not of your own party. It needs somebody of the operator, bound to no party.',
);

/**
 * What row-level security refused to somebody who is bound to a party (PostgreSQL: insufficient_privilege): nothing was
 * stored. Of the installation itself it would be a fault of ours.
 */
export function refusalOfParty(thrown: unknown, partyId: string | null | undefined): Refusal | undefined {
  if (!partyId || !(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return thrown.code === '42501' && thrown.message.includes('row-level security') ? NOT_YOURS : undefined;
}

function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  // Fastify's own errors (its router, its readers) carry their status.
  if (thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number')
    return thrown.statusCode;
  return undefined;
}

const OF_STATUS: Readonly<Record<number, Refusal>> = {
  401: refusal('unauthenticated', 'unauthenticated', 'This needs a bearer token.'),
  403: refusal('forbidden', 'forbidden', 'This is not permitted.'),
  404: refusal('not_found', 'not-found', 'There is nothing here, or nothing that you may see.'),
  405: refusal('invalid', 'method-not-allowed', 'The address does not take this method.'),
  408: refusal('invalid', 'too-slow', 'The request took too long to arrive.'),
  413: refusal('too_large', 'too-large', 'The request is larger than this address takes.'),
  414: refusal('invalid', 'address-too-long', 'A part of the address is too long.'),
  415: refusal('invalid', 'unsupported-media-type', 'The address does not take this content type.'),
  429: refusal('too_many', 'too-many-requests', 'Too many requests; try again later.', {
    retryAfter: 60_000,
  }),
  503: refusal('unavailable', 'unavailable', 'Not available now; try again later.', { retryAfter: 5_000 }),
};
