import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Secret } from '../../kernel/secret.ts';
import {
  digestsOf,
  digestsOfSha256,
  fingerprintsOf,
  formsOf,
  keyedSha256,
  type Pepper,
} from './fingerprint.rules.ts';

const peppers: Pepper[] = [
  { id: 'p2', key: Secret.of('pepper number two, long enough') },
  { id: 'p1', key: Secret.of('pepper number one, long enough') },
];
const hex = (digests: { digest: Buffer }[]) => digests.map(({ digest }) => digest.toString('hex'));
const versionOf = (value: string) => hex(fingerprintsOf({ value: Secret.of(value) }, peppers));
const meets = (reported: string, value: string) => {
  const known = new Set(versionOf(value));
  return hex(digestsOf(Secret.of(reported), peppers)).some((digest) => known.has(digest));
};

describe('fingerprints', () => {
  test('are HMAC-SHA-256 of the SHA-256 of the value, under every live pepper', () => {
    const sha = createHash('sha256').update('s3cret-value').digest();
    const [first, second] = fingerprintsOf({ value: Secret.of('s3cret-value') }, peppers);
    expect(first).toEqual({
      part: 'value',
      scheme: 'hmac-sha256',
      keyId: 'p2',
      digest: createHmac('sha256', 'pepper number two, long enough').update(sha).digest(),
    });
    expect(second!.keyId).toBe('p1');
    expect(second!.digest.equals(first!.digest)).toBe(false);
  });

  test('a reporter that holds only the SHA-256 meets the same version', () => {
    const sha = createHash('sha256').update('s3cret-value').digest('hex');
    expect(hex(digestsOfSha256(sha, peppers))).toEqual(versionOf('s3cret-value'));
    expect(hex(digestsOfSha256(sha.toUpperCase(), peppers))).toEqual(versionOf('s3cret-value'));
    expect(() => digestsOfSha256('abc', peppers)).toThrow(RangeError);
  });

  test.each([
    ['with blanks around it', '  tok_live_12345678\n'],
    ['URL-encoded', 'tok_live_%312345678'],
    ['base64 of it', Buffer.from('tok_live_12345678').toString('base64')],
    ['base64 of it with a line end', Buffer.from('tok_live_12345678\n').toString('base64')],
    ['base64url without padding', Buffer.from('tok_live_12345678').toString('base64url')],
    ['URL-encoded base64', encodeURIComponent(Buffer.from('tok_live_12345678!').toString('base64'))],
    ['an environment line', 'export STRIPE_KEY="tok_live_12345678"'],
    ['basic authentication', Buffer.from('client-1:tok_live_12345678').toString('base64')],
    ['a database URL', 'postgres://app:tok_live_12345678@db.example/app'],
    ['a JSON object', '{"client_id":"c","client_secret":"tok_live_12345678"}'],
  ])('a value reported %s meets its version', (how, reported) => {
    expect(meets(reported, how === 'URL-encoded base64' ? 'tok_live_12345678!' : 'tok_live_12345678')).toBe(
      true,
    );
  });

  test('a part of a multi-part secret meets its version by that part', () => {
    const known = hex(
      fingerprintsOf(
        { key: Secret.of('AKIAXXXXXXXXXXXXXXXX-k'), secret: Secret.of('wJalrXUtnFEMI/K7MDENG') },
        peppers,
      ),
    );
    const found = hex(digestsOf(Secret.of('wJalrXUtnFEMI/K7MDENG'), peppers));
    expect(known.filter((digest) => found.includes(digest))).toHaveLength(2);
  });

  test('another value meets nothing, however alike', () => {
    expect(meets('tok_live_12345679', 'tok_live_12345678')).toBe(false);
    expect(meets('user:pass', 'pass')).toBe(false); // four letters are a word
  });

  test('any text is met as it stands, trimmed, encoded; forms are bounded and named once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (text) => {
        const value = text.toWellFormed();
        expect(meets(value, value)).toBe(true);
        if (value.trim()) expect(meets(` ${value}\n`, value.trim())).toBe(true);
        const forms = formsOf(Buffer.from(value));
        expect(forms.length).toBeLessThanOrEqual(24);
        expect(new Set(forms.map(({ form }) => form)).size).toBe(forms.length);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_!-]{12,60}$/), (value) => {
        expect(meets(Buffer.from(value).toString('base64'), value)).toBe(true);
        expect(
          meets([...value].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''), value),
        ).toBe(true);
      }),
    );
  });

  test('bytes that are no text, and very large values, are taken as they stand', () => {
    expect(formsOf(Buffer.from([0xff, 0xfe, 0x00])).map(({ form }) => form)).toEqual(['raw']);
    expect(formsOf(Buffer.alloc(70_000, 0x20))).toHaveLength(1);
  });
});

test('many values are keyed as one is', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((given) => Buffer.from(given));
  fc.assert(
    fc.property(
      fc.array(fc.option(bytes), { maxLength: 5 }),
      fc.array(bytes, { minLength: 1, maxLength: 3 }),
      (values, keys) => {
        const peppers = keys.map((key, n) => ({ id: `k${n}`, key: Secret.ofBytes(Buffer.from(key)) }));
        const digests = keyedSha256(
          values.map((value, n) => {
            if (value === null) return null;
            const secret = Secret.ofBytes(Buffer.from(value));
            return n % 2 === 0 ? secret : createHash('sha256').update(value).digest('hex');
          }),
          peppers,
        );
        const expected = values.flatMap((value) =>
          peppers.map(({ key }) =>
            value === null
              ? Buffer.alloc(32)
              : digestsOf(Secret.ofBytes(Buffer.from(value)), [{ id: 'k', key }])[0]!.digest,
          ),
        );
        expect(digests).toEqual(Buffer.concat(expected));
      },
    ),
  );
});
