import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jwt, ownKey } from '../../../test/support/jwt.ts';
import { keyOf, signedBy, thumbprintOf, type PublicJwk } from './assertion-keys.ts';
import { claimsProblem, OWN_LIFE, parseAssertion, type Expected } from './assertion.rules.ts';

const NOW = 1_800_000_000_000;
const seconds = NOW / 1000;
const good = { iss: 'me', sub: 'me', aud: 'here', iat: seconds, exp: seconds + 60, jti: 'once-only-1' };
const expected: Expected = {
  issuer: 'me',
  subject: 'me',
  audience: 'here',
  longest: OWN_LIFE,
  audienceAlone: true,
  needsId: true,
};
const judge = (claims: object, more: Partial<Expected> = {}, now = NOW) =>
  claimsProblem({ ...good, ...claims }, { ...expected, ...more }, now);

describe('the form of an assertion', () => {
  test('anything at all is read or is none, and never breaks', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.array(fc.base64String()).map((parts) => parts.join('.')),
        ),
        (text) => {
          const read = parseAssertion(text);
          if (read) expect(read.signed).toBe(text.slice(0, text.lastIndexOf('.')));
        },
      ),
    );
  });

  test.each(['Ed25519', 'P-256', 'RSA'] as const)(
    'of %s holds by its own key, its own algorithm, and every bit',
    (kind) => {
      const key = ownKey(kind);
      const token = jwt(key, good);
      const read = parseAssertion(token)!;
      const jwk = key.jwk as unknown as PublicJwk;
      expect(signedBy(jwk, read)).toBe(true);
      expect(signedBy(ownKey(kind).jwk as unknown as PublicJwk, read)).toBe(false);
      expect(signedBy(jwk, { ...read, header: { alg: 'none' } })).toBe(false);
      expect(signedBy(jwk, { ...read, signature: Buffer.alloc(0) })).toBe(false);
      expect(signedBy(jwk, { ...read, signed: `${read.signed}x` })).toBe(false);
      for (const other of ['Ed25519', 'P-256', 'RSA'] as const)
        if (other !== kind) expect(signedBy(ownKey(other).jwk as unknown as PublicJwk, read)).toBe(false);
    },
  );

  test('a thumbprint is that of RFC 7638, whatever else stands in the key', () => {
    // RFC 8037, appendix A.3
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
    expect(thumbprintOf(jwk)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  test('a short RSA key and a point off its curve are no keys', () => {
    const x = ownKey('Ed25519').jwk['x']!;
    expect(keyOf({ kty: 'EC', crv: 'P-256', x, y: x })).toBeUndefined();
    expect(keyOf({ kty: 'RSA', n: Buffer.alloc(128, 255).toString('base64url'), e: 'AQAB' })).toBeUndefined();
  });
});

describe('the claims of an assertion', () => {
  test('hold as they are, within half a minute of two clocks', () => {
    expect(judge({})).toBeNull();
    expect(judge({ iat: seconds + 29 })).toBeNull();
    expect(judge({ exp: seconds - 29, iat: seconds - 60 })).toBeNull();
    expect(judge({ aud: ['here'] })).toBeNull();
    expect(judge({ aud: ['there', 'here'] }, { audienceAlone: false })).toBeNull();
    expect(judge({ jti: undefined }, { needsId: false })).toBeNull();
  });

  test.each<[object]>([
    [{ iss: 'you' }],
    [{ sub: 'you' }],
    [{ aud: 'there' }],
    [{ aud: ['here', 'there'] }],
    [{ aud: undefined }],
    [{ exp: undefined }],
    [{ exp: '1800000060' }],
    [{ exp: Infinity }],
    [{ iat: undefined }],
    [{ iat: seconds + 31 }],
    [{ exp: seconds - 31, iat: seconds - 60 }],
    [{ nbf: seconds + 31 }],
    [{ nbf: 'soon' }],
    [{ exp: seconds + 301 }],
    [{ iat: seconds - 400 }],
    [{ jti: undefined }],
    [{ jti: 7 }],
    [{ jti: 'short' }],
    [{ jti: 'x'.repeat(257) }],
  ])('are refused with %j', (claims) => expect(judge(claims)).toEqual(expect.any(String)));
});
