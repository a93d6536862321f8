import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isMailAddress } from './address.ts';
import { bounceAddress, bounceTokensIn, TOKEN_BYTES, tokenBytes, tokenText } from './bounce-address.ts';

const BASE = 'bounces@mail.operator.example';
const bytes = fc
  .uint8Array({ minLength: TOKEN_BYTES, maxLength: TOKEN_BYTES })
  .map((one) => Buffer.from(one));

describe('the return path of one message', () => {
  test('is a plain address that comes back as it was, in either case, among whatever else', () => {
    fc.assert(
      fc.property(bytes, fc.boolean(), (given, folded) => {
        const address = bounceAddress(BASE, tokenText(given));
        expect(isMailAddress(address)).toBe(true);
        const seen = folded ? address.toUpperCase() : address;
        const tokens = bounceTokensIn(`<${seen}>, other@x.example, ${seen};`, BASE);
        expect(tokens).toHaveLength(1);
        expect(tokenBytes(tokens[0]!)).toEqual(given);
      }),
    );
  });

  test('is not found in another address, nor in one of another host', () => {
    const token = tokenText(Buffer.alloc(TOKEN_BYTES, 7));
    for (const strange of [
      `x${bounceAddress(BASE, token)}`,
      `${bounceAddress(BASE, token)}.evil.example`,
      bounceAddress('bounces@mailxoperator.example', token),
      bounceAddress(BASE, `${token}a`),
      bounceAddress(BASE, token.slice(1)),
      BASE,
    ])
      expect(bounceTokensIn(strange, BASE)).toEqual([]);
  });

  test('a token is written in one way only', () => {
    const token = tokenText(Buffer.alloc(TOKEN_BYTES, 255));
    expect(tokenBytes(`${token.slice(0, -1)}z`)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (junk) => expect(tokenBytes(junk)).toBeUndefined()));
  });
});
