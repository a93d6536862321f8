import { createPrivateKey, createSign } from 'node:crypto';
import { z } from 'zod';
import type { Call, Exchange, Target } from '../../../domain/revocation/connector.ts';
import { Secret } from '../../../kernel/secret.ts';
import type { Outbound } from '../../../platform/http/outbound.ts';
import { ask, declared, holeOf, withheld, type Heard, type More } from './declared-request.ts';
import { parsed, place, textAt } from './issued-answers.ts';

export const LOGIN_MEANINGS = ['granted', 'refused', 'retry'] as const;

/** How an access token of our own is had before a request that names `{token}`. */
export const loginSchema = z.strictObject({ ...declared(LOGIN_MEANINGS), token: place });

/**
 * A signed statement of who we are, or of who holds the credential (RFC 7523): a JWT with RS256, which a request names as
 * `{jwt.<name>}`. A key file of a Google service account says its own name and key id.
 */
export const assertionSchema = z.strictObject({
  key: z.string().regex(/^\{(value|auth\.[a-z][a-z0-9_]*)\}$/, 'must be {value} or {auth.…}'),
  format: z.enum(['pem', 'google']),
  /** Absent with `google`, whose key file names it. */
  issuer: z.string().min(1).optional(),
  audience: z.string().min(1).optional(),
  claims: z.record(z.string(), z.string()).optional(),
});

export type Login = z.infer<typeof loginSchema>;
export type Assertions = Readonly<Record<string, z.infer<typeof assertionSchema>>>;

/** What `login` brought: the token, or why the request that needed it was not made. */
export type LoggedIn = { ok: true; token: Secret; exchange: Exchange } | { ok: false; heard: Heard<never> };

export async function logIn(
  outbound: Outbound,
  login: Login,
  target: Target<unknown>,
  call: Call,
  more: More,
): Promise<LoggedIn> {
  const heard = await ask(outbound, login, target, call, more);
  const exchange = withheld(heard.exchange);
  if (heard.kind === 'incomplete') return { ok: false, heard: { ...heard, exchange } };
  const { retryAfter: wait } = heard;
  const notSent = (why: string): LoggedIn => ({
    ok: false,
    heard: {
      kind: 'failure',
      why,
      sent: false,
      exchange,
      ...(wait === undefined ? {} : { retryAfter: wait }),
    },
  });
  if (heard.kind === 'failure') return notSent(`no access token was had: ${heard.why}`);
  const token = heard.row?.means === 'granted' ? textAt(parsed(heard.body), login.token) : null;
  if (token !== null) return { ok: true, token: Secret.of(token), exchange };
  const said = heard.row?.why ?? `the supplier answered ${heard.status} to our login`;
  if (heard.row?.means !== 'refused') return notSent(`no access token was had: ${said}`);
  return { ok: false, heard: { kind: 'incomplete', why: said, exchange, ownAuthentication: true } };
}

/** The statement, or null where the key is not at hand or is none. */
export function assertionOf(
  assertion: Assertions[string],
  target: Target<unknown>,
  call: Call,
): Secret | null {
  const key = holeOf(assertion.key.slice(1, -1), target, call);
  if (key === undefined) return null;
  const fill = (text: string) =>
    text.replace(/\{([a-z][A-Za-z0-9_.]*)\}/g, (_hole, name: string) => holeOf(name, target, call) ?? '');
  const file = assertion.format === 'google' ? googleKey(key) : { pem: key, issuer: '', id: undefined };
  if (!file) return null;
  const now = Math.floor(call.now() / 1000);
  const claims = {
    ...Object.fromEntries(Object.entries(assertion.claims ?? {}).map(([name, text]) => [name, fill(text)])),
    iss: assertion.issuer === undefined ? file.issuer : fill(assertion.issuer),
    ...(assertion.audience === undefined ? {} : { aud: fill(assertion.audience) }),
    // Clocks differ: GitHub refuses a statement from its future, both refuse one that lives long.
    iat: now - 30,
    exp: now + 270,
  };
  const header = { alg: 'RS256', typ: 'JWT', ...(file.id === undefined ? {} : { kid: file.id }) };
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  try {
    const signed = createSign('RSA-SHA256').update(text).sign(createPrivateKey(file.pem));
    return Secret.of(`${text}.${signed.toString('base64url')}`);
  } catch {
    return null;
  }
}

function googleKey(text: string): { pem: string; issuer: string; id: string } | null {
  const json = parsed(Buffer.from(text, 'utf8'));
  const [pem, issuer, id] = ['/private_key', '/client_email', '/private_key_id'].map((pointer) =>
    textAt(json, { pointer }),
  );
  return pem && issuer && id ? { pem, issuer, id } : null;
}
