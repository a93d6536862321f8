import { createHash, createPublicKey } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  compactVerify,
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWK,
} from 'jose';
import { z } from 'zod';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import type { Millis } from '../../../kernel/time.ts';
import { calledUrl } from '../../../domain/parties/fields.schema.ts';
import { sameBytes } from '../../../domain/exposures/delivery.rules.ts';
import type {
  JudgedReport,
  Polled,
  PollRequest,
  Proven,
  RawDelivery,
  ReadDelivery,
  Source,
  SourceAnswer,
  SourceSettings,
} from '../../../domain/exposures/source.ts';
import { Outbound } from '../../../platform/http/outbound.ts';
import { readEvents } from './security-events.ts';
import { pollOnce } from './set-poll.ts';
import { errorOf, setRefusal } from './set-errors.ts';

const BODY_LIMIT = 1024 * 1024;
const JSON_LIMITS = { depth: 32, items: 20_000 };
/** Asymmetric only: what a transmitter publishes must not be enough to sign. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

const address = calledUrl;

/** A key set as RFC 7517 has it; of each key only what says that it is one. */
const keySetSchema = z.object({
  keys: z.array(z.object({ kty: z.string() }).loose()).max(100),
});

/**
 * Security Event Tokens (RFC 8417) of the Shared Signals Framework: RISC `credential-compromise` and CAEP
 * `credential-change`, delivered by push (RFC 8935) or fetched by poll (RFC 8936). A key of such a source is the key set
 * of its transmitter, as published; or, besides, the value of the `Authorization` header that it must send.
 */
@Injectable()
export class SetSource implements Source {
  readonly key = 'set';
  readonly title = 'Security Event Tokens (RISC, CAEP)';
  readonly bodyLimit = BODY_LIMIT;
  readonly saysWhenOff = true;
  readonly settingsSchema = z.strictObject({
    issuer: z.string().min(1).max(1000).describe('The transmitter, as `iss` names it'),
    audience: z.string().min(1).max(1000).describe('Us, as `aud` names us'),
    jwksUri: address.optional().describe('Where the transmitter publishes its keys'),
    pollUrl: address.optional().describe('Where to fetch tokens; absent: they are pushed'),
  });

  constructor(private readonly outbound: Outbound) {}

  checkKey(key: Secret): string | undefined {
    const set = keySetOf(key);
    if (set !== undefined) {
      const wrong = set.keys.map(whyUnusable);
      return wrong.every((one) => one !== undefined)
        ? `has ${wrong.length} key${wrong.length === 1 ? '' : 's'}, and none that is usable: ${[...new Set(wrong)].join('; ')}`
        : undefined;
    }
    return key.useBytes((bytes) => bytes[0] === 0x7b || bytes.length < 16)
      ? 'must be the key set of the transmitter, {"keys":[…]}, or the value of its Authorization header of at least 16 characters'
      : undefined;
  }

  publishedKeysUrl(settings: SourceSettings): string | undefined {
    const { jwksUri } = settings;
    return typeof jwksUri === 'string' ? jwksUri : undefined;
  }

  async authenticate(
    delivery: RawDelivery,
    keys: readonly Secret[],
    _: Millis,
    settings: SourceSettings = {},
  ): Promise<Result<Proven, Refusal>> {
    const type = (delivery.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
    if (type !== 'application/secevent+jwt')
      return err(setRefusal('invalid_request', 'The content type is not application/secevent+jwt.'));
    if (!authorized(delivery, keys))
      return err(setRefusal('authentication_failed', 'The Authorization header is not what was agreed.'));
    const token = compactOf(delivery.body);
    if (token === undefined)
      return err(setRefusal('invalid_request', 'The body is no token in compact serialization.'));
    const verified = await verify(token, keys);
    return verified.ok ? claimed(verified.value, settings) : verified;
  }

  read(delivery: RawDelivery): Result<ReadDelivery, Refusal> {
    const claims = claimsIn(delivery.body);
    return claims.ok ? readEvents(claims.value, delivery.body) : claims;
  }

  /** RFC 8935 §2.2 to 2.4: 202 without a body, or 400 with the code of the error. */
  answer(outcome: Result<readonly JudgedReport[], Refusal>): SourceAnswer | undefined {
    if (outcome.ok) return { status: 202 };
    const error = errorOf(outcome.error);
    return error && { status: 400, body: error, headers: { 'content-language': 'en' } };
  }

  poll(request: PollRequest): Promise<Result<Polled, Refusal>> {
    return pollOnce(this.outbound, request);
  }
}

/** Why nothing that such a key signed would be believed; undefined: it would. */
function whyUnusable({ kty, use, alg, ...jwk }: JWK): string | undefined {
  if (kty === 'oct') return 'a symmetric key (oct) that is published is nobody’s secret';
  if (use !== undefined && use !== 'sig')
    return `for ${use === 'enc' ? 'encryption' : 'another use'}, not for signatures`;
  if (alg !== undefined && !ALGORITHMS.includes(alg)) return 'of an algorithm that is not taken here';
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: is } = createPublicKey({
      key: { ...jwk, ...(kty === undefined ? {} : { kty }) },
      format: 'jwk',
    });
    if (type === 'rsa') return (is?.modulusLength ?? 0) < 2048 ? 'an RSA key under 2048 bits' : undefined;
    return type === 'ec' || type === 'ed25519' ? undefined : 'of a kind that is not taken here';
  } catch {
    return 'a key that cannot be read';
  }
}

/** Keys that are no key set are values of the `Authorization` header; where there are none, none is asked for. */
function authorized(delivery: RawDelivery, keys: readonly Secret[]): boolean {
  const agreed = keys.filter((key) => key.useBytes((bytes) => bytes.length > 0 && bytes[0] !== 0x7b));
  if (agreed.length === 0) return true;
  const given = hashed(Buffer.from(delivery.headers['authorization'] ?? '', 'latin1'));
  return agreed.some((key) => key.useBytes((bytes) => sameBytes(hashed(bytes), given)));
}

function hashed(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Each part in the one spelling that its bytes have: what is signed twice over is one token, not two. */
function compactOf(body: Buffer): string | undefined {
  const text = body.toString('latin1').trim();
  const parts = text.split('.');
  const exact = (part: string) => Buffer.from(part, 'base64url').toString('base64url') === part;
  return parts.length === 3 && parts.every(exact) ? text : undefined;
}

async function verify(token: string, keys: readonly Secret[]): Promise<Result<Buffer, Refusal>> {
  let header: { typ?: unknown; alg?: unknown };
  try {
    header = decodeProtectedHeader(token);
  } catch {
    return err(setRefusal('invalid_request', 'The header of the token cannot be read.'));
  }
  const typ = typeof header.typ === 'string' ? header.typ.toLowerCase().replace(/^application\//, '') : '';
  if (typ !== 'secevent+jwt')
    return err(setRefusal('invalid_request', 'The token does not say that it is a security event token.'));
  if (typeof header.alg !== 'string' || !ALGORITHMS.includes(header.alg))
    return err(setRefusal('authentication_failed', 'The token is not signed with an asymmetric key.'));
  const sets = keys.flatMap((key) => keySetOf(key) ?? []);
  let refused: Refusal = setRefusal('authentication_failed', 'No key of the transmitter is known.');
  for (const set of sets) {
    const tried = await verifiedBy(token, set);
    if (tried.ok) return tried;
    // A signature that does not fit says more than a set that has no such key.
    if (errorOf(refused)?.err !== 'authentication_failed' || set === sets[0]) refused = tried.error;
  }
  return err(refused);
}

async function verifiedBy(token: string, set: JSONWebKeySet): Promise<Result<Buffer, Refusal>> {
  try {
    const { payload } = await compactVerify(token, createLocalJWKSet(set), { algorithms: ALGORITHMS });
    return ok(Buffer.from(payload));
  } catch (thrown) {
    if (thrown instanceof errors.JWKSMultipleMatchingKeys) {
      for await (const key of thrown) {
        try {
          return ok(Buffer.from((await compactVerify(token, key, { algorithms: ALGORITHMS })).payload));
        } catch {
          continue;
        }
      }
      return err(setRefusal('authentication_failed', 'The signature is by none of the transmitter’s keys.'));
    }
    if (thrown instanceof errors.JWSSignatureVerificationFailed)
      return err(setRefusal('authentication_failed', 'The signature does not fit the token.'));
    if (thrown instanceof errors.JWSInvalid || thrown instanceof errors.JOSENotSupported)
      return err(setRefusal('invalid_request', 'The token is not formed as RFC 7515 says.'));
    // No such key, several, one that is too weak (RFC 7518 §3.3: RSA of 2048 bits), or one that cannot be read.
    return err(setRefusal('invalid_key', 'The key that signed the token is unknown or not acceptable.'));
  }
}

const claimsSchema = z.object({
  iss: z.string().min(1).max(1000),
  jti: z.string().regex(/^[\x21-\x7e]{1,200}$/),
  iat: z.number(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  events: z.record(z.string(), z.unknown()),
});

function claimed(payload: Buffer, settings: SourceSettings): Result<Proven, Refusal> {
  const parsed = readStrictJson(payload, JSON_LIMITS);
  const read = parsed.ok ? claimsSchema.safeParse(parsed.value) : undefined;
  if (!parsed.ok || !read?.success)
    return err(
      setRefusal('invalid_request', 'The token lacks iss, jti, iat or events, or they are malformed.'),
    );
  const { iss, aud, jti } = read.data;
  const { issuer, audience } = settings;
  if (issuer !== undefined && iss !== issuer)
    return err(setRefusal('invalid_issuer', 'The issuer is not the one of this stream.'));
  if (audience !== undefined && ![aud ?? []].flat().includes(String(audience)))
    return err(setRefusal('invalid_audience', 'The audience is not the one of this stream.'));
  const claims = parsed.value as object;
  // SSF 1.0 §4.1: a token with these could be taken for an ID or access token.
  if ('sub' in claims || 'exp' in claims)
    return err(setRefusal('invalid_request', 'A security event token has neither sub nor exp.'));
  return ok({ deliveryId: jti });
}

function claimsIn(body: Buffer): Result<Record<string, unknown>, Refusal> {
  const token = compactOf(body);
  const parsed = readStrictJson(Buffer.from(token?.split('.')[1] ?? '', 'base64url'), JSON_LIMITS);
  return parsed.ok &&
    parsed.value !== null &&
    typeof parsed.value === 'object' &&
    !Array.isArray(parsed.value)
    ? ok(parsed.value as Record<string, unknown>)
    : err(setRefusal('invalid_request', 'The claims cannot be read.'));
}

function keySetOf(key: Secret): JSONWebKeySet | undefined {
  const parsed = key.useBytes((bytes) =>
    bytes[0] === 0x7b ? readStrictJson(bytes, JSON_LIMITS) : undefined,
  );
  const read = parsed?.ok ? keySetSchema.safeParse(parsed.value) : undefined;
  return read?.success && read.data.keys.length > 0 ? (read.data as JSONWebKeySet) : undefined;
}
