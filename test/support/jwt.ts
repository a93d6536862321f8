import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export interface OwnKey {
  kind: 'Ed25519' | 'P-256' | 'RSA';
  privateKey: KeyObject;
  jwk: Record<string, string>;
}

export function ownKey(kind: OwnKey['kind'] = 'Ed25519'): OwnKey {
  const { publicKey, privateKey } =
    kind === 'Ed25519'
      ? generateKeyPairSync('ed25519')
      : kind === 'P-256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { kind, privateKey, jwk: publicKey.export({ format: 'jwk' }) as Record<string, string> };
}

const ALG = { Ed25519: 'EdDSA', 'P-256': 'ES256', RSA: 'RS256' } as const;
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT as a client library would make it. */
export function jwt(key: OwnKey, claims: object, header: object = {}): string {
  const signed = `${part({ alg: ALG[key.kind], typ: 'JWT', ...header })}.${part(claims)}`;
  const signature =
    key.kind === 'Ed25519'
      ? sign(null, Buffer.from(signed), key.privateKey)
      : sign(
          'sha256',
          Buffer.from(signed),
          key.kind === 'P-256' ? { key: key.privateKey, dsaEncoding: 'ieee-p1363' } : key.privateKey,
        );
  return `${signed}.${signature.toString('base64url')}`;
}
