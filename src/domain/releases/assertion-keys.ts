import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { Assertion } from './assertion.rules.ts';

/** A public key as JSON (RFC 7517). Of other kinds none is taken. */
export type PublicJwk =
  | { kty: 'OKP'; crv: 'Ed25519'; x: string }
  | { kty: 'EC'; crv: 'P-256'; x: string; y: string }
  | { kty: 'RSA'; n: string; e: string };

/** The one algorithm of each kind of key: what the assertion claims of itself chooses nothing. */
const ALGORITHM = { OKP: 'EdDSA', EC: 'ES256', RSA: 'RS256' } as const;

/** @returns undefined for what is no point on its curve, or an RSA key of fewer than 2,048 bits */
export function keyOf(jwk: PublicJwk): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return jwk.kty === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048 ? undefined : key;
  } catch {
    return undefined;
  }
}

/** The name of a key by its content (RFC 7638), as base64url of a SHA-256. */
export function thumbprintOf(jwk: PublicJwk): string {
  return createHash('sha256')
    .update(canonicalJson({ ...jwk }))
    .digest('base64url');
}

/** Whether this key signed it. A P-256 signature is two numbers side by side (RFC 7518 section 3.4), not DER. */
export function signedBy(jwk: PublicJwk, { header, signed, signature }: Assertion): boolean {
  if (header.alg !== ALGORITHM[jwk.kty]) return false;
  const key = keyOf(jwk);
  if (!key) return false;
  const data = Buffer.from(signed, 'ascii');
  try {
    if (jwk.kty === 'OKP') return verify(null, data, key, signature);
    return verify('sha256', data, jwk.kty === 'EC' ? { key, dsaEncoding: 'ieee-p1363' } : key, signature);
  } catch {
    return false;
  }
}
