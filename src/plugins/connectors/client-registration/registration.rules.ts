import type { Exchange } from '../../../domain/revocation/connector.ts';
import { Secret } from '../../../kernel/secret.ts';

/** A registration as the server tells it (RFC 7591 section 3.2.1), with what must not be kept in the clear taken out. */
export interface Registration {
  /** What a full replacement has to say again (RFC 7592 section 2.2). */
  metadata: Readonly<Record<string, unknown>>;
  clientSecret: Secret | null;
  registrationAccessToken: Secret | null;
  /** Milliseconds; null: never, or not said. */
  secretExpiresAt: number | null;
}

/** RFC 7592 section 2.2: these must not be in an update. The secret is left out, so that the server may make another. */
const NOT_SENT = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
  'client_secret',
];

/** @returns null when the body is no registration of that client: an answer about somebody else changes nothing. */
export function registrationOf(body: Buffer, clientId: string): Registration | null {
  let document: unknown;
  try {
    document = JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
  if (document === null || typeof document !== 'object' || Array.isArray(document)) return null;
  const members = document as Record<string, unknown>;
  if (!Object.hasOwn(members, 'client_id') || members.client_id !== clientId) return null;
  const secret = (name: string): Secret | null => {
    const value = Object.hasOwn(members, name) ? members[name] : undefined;
    return typeof value === 'string' && value !== '' ? Secret.of(value) : null;
  };
  const expires = members.client_secret_expires_at;
  return {
    metadata: Object.fromEntries(Object.entries(members).filter(([name]) => !NOT_SENT.includes(name))),
    clientSecret: secret('client_secret'),
    registrationAccessToken: secret('registration_access_token'),
    // Zero stands for never (RFC 7591 section 3.2.1).
    secretExpiresAt: typeof expires === 'number' && expires > 0 ? expires * 1000 : null,
  };
}

export function same(one: Secret, other: Secret): boolean {
  return one.use((a) => other.use((b) => a === b));
}

/**
 * The exchange without its answer's body. A registration is told with its secret and its registration access token,
 * which nobody knew before and so nobody could mask.
 */
export function withoutBody(exchange: Exchange): Exchange {
  return exchange.failure !== undefined || exchange.extract === ''
    ? exchange
    : { ...exchange, extract: 'the answer is not kept: registrations are told with their secrets' };
}
