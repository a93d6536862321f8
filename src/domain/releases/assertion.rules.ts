import type { Millis } from '../../kernel/time.ts';
import { MINUTE, SECOND } from '../../kernel/time.ts';

/**
 * The form of the assertion by which a machine proves itself: a JWT in compact form (RFC 7519), as RFC 7523 section 3 uses
 * it for client authentication. Its signature is judged elsewhere (`assertion-keys.ts`).
 */
export interface Assertion {
  header: { alg: string; kid?: string };
  claims: Readonly<Record<string, unknown>>;
  /** What was signed. */
  signed: string;
  signature: Buffer;
}

const MOST = 8_192;
const PART = /^[A-Za-z0-9_-]+$/;

/** The parts of an assertion, or undefined: it is none. Says nothing about whether it is true. */
export function parseAssertion(token: string): Assertion | undefined {
  if (token.length > MOST) return undefined;
  const parts = token.split('.');
  const [head, body, signature] = parts;
  if (parts.length !== 3 || !head || !body || !signature || !parts.every((part) => PART.test(part)))
    return undefined;
  const [header, claims] = [objectIn(head), objectIn(body)];
  // `crit` names extensions that must be understood (RFC 7515 section 4.1.11), and none is.
  if (!header || !claims || typeof header['alg'] !== 'string' || 'crit' in header) return undefined;
  const { alg, kid } = header;
  return {
    header: { alg, ...(typeof kid === 'string' ? { kid } : {}) },
    claims,
    signed: `${head}.${body}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

function objectIn(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whom the assertion has to be by, about and for. */
export interface Expected {
  issuer: string;
  subject: string;
  audience: string;
  /** From its making to its end at most; also its greatest age. */
  longest: Millis;
  /** A platform's token may be for several; a machine's own is for us alone. */
  audienceAlone: boolean;
  /** A platform may leave it out: then the token itself is remembered. */
  needsId: boolean;
}

/** How far two clocks may differ. */
const SKEW = 30 * SECOND;
/** A machine signs one for each call. */
export const OWN_LIFE = 5 * MINUTE;
/** A platform's tokens live longer: GitHub's ten minutes, a projected one of Kubernetes an hour. */
export const PLATFORM_LIFE = 65 * MINUTE;

/** What is wrong with the claims, in words for a log; null: nothing. */
export function claimsProblem(claims: Assertion['claims'], expected: Expected, now: Millis): string | null {
  const { iss, sub, aud, exp, iat, nbf, jti } = claims;
  if (iss !== expected.issuer) return 'it is by another issuer';
  if (sub !== expected.subject) return 'it is about another subject';
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(expected.audience)) return `it is not for ${expected.audience}`;
  if (expected.audienceAlone && audiences.length !== 1) return 'it is for others as well';
  if (!isSeconds(exp) || !isSeconds(iat)) return 'it does not say when it was made and ends';
  if (nbf !== undefined && (!isSeconds(nbf) || nbf * 1000 > now + SKEW)) return 'it is not valid yet';
  if (exp * 1000 <= now - SKEW) return 'it has expired';
  if (iat * 1000 > now + SKEW) return 'it is from the future';
  if (now - iat * 1000 > expected.longest + SKEW || (exp - iat) * 1000 > expected.longest)
    return 'it lives for too long';
  if (jti === undefined && !expected.needsId) return null;
  if (typeof jti !== 'string' || jti.length < 8 || jti.length > 256)
    return 'it has no id (jti) of 8 to 256 characters';
  return null;
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 && value < 1e11;
}

/** What is remembered of an assertion until it expires. */
export function expiryOf({ claims }: Assertion): Millis {
  return (claims['exp'] as number) * 1000 + SKEW;
}
