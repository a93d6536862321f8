import { createHmac, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { Secret } from '../../kernel/secret.ts';

/** Signatures of Standard Webhooks 1.0.0: `v1` HMAC-SHA-256 with a shared secret, `v1a` Ed25519. */
export const SIGNATURE_KINDS = ['v1', 'v1a'] as const;
export type SignatureKind = (typeof SIGNATURE_KINDS)[number];

export interface SigningKey {
  kind: SignatureKind;
  /** `whsec_…` or `whsk_…`. */
  key: Secret;
}

/** PKCS #8 of an Ed25519 seed (RFC 8410), up to the seed. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The header `webhook-signature`: one entry for each key, so that a change of keys loses nothing. */
export function signaturesOf(
  keys: readonly SigningKey[],
  id: string,
  timestamp: number,
  body: string,
): string {
  // Neither may hold a full stop: it would move the borders of what is signed.
  if (id.includes('.') || !Number.isInteger(timestamp))
    throw new Error('an id or time that cannot be signed');
  const content = Buffer.from(`${id}.${timestamp}.${body}`, 'utf8');
  return keys.map(({ kind, key }) => `${kind},${signature(kind, key, content)}`).join(' ');
}

function signature(kind: SignatureKind, key: Secret, content: Buffer): string {
  const bytes = keyBytes(key);
  try {
    if (kind === 'v1') return createHmac('sha256', bytes).update(content).digest('base64');
    const pkcs8 = Buffer.concat([PKCS8_ED25519, bytes.subarray(0, 32)]);
    const signed = sign(null, content, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
    pkcs8.fill(0);
    return signed.toString('base64');
  } finally {
    bytes.fill(0);
  }
}

/** A new key, and for `v1a` the public half that the receiver verifies with (`whpk_…`). */
export function newSigningKey(kind: SignatureKind): { key: Secret; publicKey: string | null } {
  if (kind === 'v1')
    return { key: Secret.of(`whsec_${randomBytes(32).toString('base64')}`), publicKey: null };
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url');
  const open = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
  const made = Secret.of(`whsk_${Buffer.concat([seed, open]).toString('base64')}`);
  seed.fill(0);
  return { key: made, publicKey: `whpk_${open.toString('base64')}` };
}

/** What is wrong with a secret that a subscriber brought, or undefined. Never quotes it. */
export function whyNoSharedSecret(key: Secret): string | undefined {
  const bytes = keyBytes(key);
  const fits = bytes.length >= 24 && bytes.length <= 64;
  bytes.fill(0);
  return fits ? undefined : 'must be whsec_ and the base64 of 24 to 64 random bytes';
}

/** The prefix is optional. What is no base64 yields no bytes. */
function keyBytes(key: Secret): Buffer {
  return key.use((text) => {
    const base64 = text.replace(/^(whsec|whsk)_/, '');
    return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : Buffer.alloc(0);
  });
}
