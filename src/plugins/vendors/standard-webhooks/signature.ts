import { createHmac } from 'node:crypto';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import type { Secret } from '../../../kernel/secret.ts';
import { MINUTE, SECOND, type Millis } from '../../../kernel/time.ts';
import { STALE, UNPROVEN, sameBytes } from '../../../domain/exposures/delivery.rules.ts';
import type { Proven, RawDelivery } from '../../../domain/exposures/source.ts';

const TOLERANCE: Millis = 5 * MINUTE;
const MOST_SIGNATURES = 20;

/**
 * Judges a delivery by Standard Webhooks 1.0.0: HMAC-SHA-256 over `id.timestamp.body`, several signatures for a change of
 * keys, five minutes of tolerance.
 */
export function provenByStandardWebhooks(
  delivery: RawDelivery,
  keys: readonly Secret[],
  now: Millis,
): Result<Proven & { deliveryId: string }, Refusal> {
  const id = delivery.headers['webhook-id'] ?? '';
  const stamp = delivery.headers['webhook-timestamp'] ?? '';
  // Neither may hold a full stop: it would move the borders of what is signed.
  if (!/^[\x21-\x2d\x2f-\x7e]{1,200}$/.test(id) || !/^\d{1,12}$/.test(stamp)) return err(UNPROVEN);
  const given = (delivery.headers['webhook-signature'] ?? '')
    .split(' ')
    .slice(0, MOST_SIGNATURES)
    .flatMap((entry) =>
      /^v1,[A-Za-z0-9+/]{43}=$/.test(entry) ? [Buffer.from(entry.slice(3), 'base64')] : [],
    );
  const proven = keys.flatMap((key) => {
    const bytes = webhookKeyBytes(key);
    if (bytes.length === 0) return [];
    const expected = createHmac('sha256', bytes).update(`${id}.${stamp}.`).update(delivery.body).digest();
    bytes.fill(0);
    return given.filter((signature) => sameBytes(expected, signature));
  });
  if (proven.length === 0) return err(UNPROVEN);
  // Judged last: who does not hold a key learns nothing, not even that there is such a source.
  const stale = Math.abs(now - Number(stamp) * SECOND) > TOLERANCE;
  return stale ? err(STALE) : ok({ deliveryId: id });
}

/** What is wrong with such a key, or undefined. */
export function webhookKeyProblem(key: Secret): string | undefined {
  const bytes = webhookKeyBytes(key);
  const fits = bytes.length >= 24 && bytes.length <= 64;
  bytes.fill(0);
  return fits ? undefined : 'must be whsec_ and the base64 of 24 to 64 random bytes';
}

/** `whsec_` and base64; the prefix is optional. What is no base64 yields no bytes, and no bytes prove nothing. */
function webhookKeyBytes(key: Secret): Buffer {
  return key.use((text) => {
    const base64 = text.startsWith('whsec_') ? text.slice('whsec_'.length) : text;
    return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : Buffer.alloc(0);
  });
}
