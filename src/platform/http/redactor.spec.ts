import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Secret } from '../../kernel/secret.ts';
import { Redactor, visible } from './redactor.ts';

const value = 'sk_live/9f+8 "q"=äé<Z>%2F_end';
const redactor = new Redactor([Secret.of(value)]);

const forms: Record<string, (v: string) => string> = {
  raw: (v) => v,
  url: encodeURIComponent,
  'url in lower case': (v) => encodeURIComponent(v).toLowerCase(),
  'url twice': (v) => encodeURIComponent(encodeURIComponent(v)),
  form: (v) => new URLSearchParams({ v }).toString(),
  'every byte in percent': (v) => Buffer.from(v).toString('hex').replace(/../g, '%$&'),
  json: (v) => JSON.stringify({ v }),
  base64: (v) => Buffer.from(v).toString('base64'),
  base64url: (v) => Buffer.from(v).toString('base64url'),
  'basic with a name before it': (v) => Buffer.from(`client:${v}`).toString('base64'),
  'basic with a longer name': (v) => Buffer.from(`client1:${v}`).toString('base64'),
  'base64 in the middle': (v) => Buffer.from(`ab${v}tail`).toString('base64'),
  hex: (v) => Buffer.from(v).toString('hex'),
  HEX: (v) => Buffer.from(v).toString('hex').toUpperCase(),
  'with NULs between': (v) => Array.from(v).join('\u0000'),
  'with colours between': (v) => `${v.slice(0, 5)}\u001b[31m${v.slice(5)}`,
  'with zero-width spaces': (v) => Array.from(v).join('\u200b'),
};

describe('Redactor', () => {
  test.each(Object.keys(forms))('masks a secret in the form %s', (name) => {
    const written = (forms[name] as (v: string) => string)(value);
    const out = redactor.text(`error near ${written} in request`);
    expect(out).toContain('[secret]');
    expect(out).not.toContain('sk_live');
    for (const [other, form] of Object.entries(forms))
      if (!other.startsWith('with')) expect(out).not.toContain(form(value));
    expect(out).not.toContain(Buffer.from(value).toString('base64').slice(0, 20));
  });

  test('masks a token that was cut off', () => {
    const token = 'ghp_0123456789abcdefghijABCDEFGHIJ';
    const masked = new Redactor([Secret.of(token)]).text(
      `token ${token.slice(0, 20)}... is invalid, ends in ${token.slice(-14)}`,
    );
    expect(masked).toBe('token [secret]... is invalid, ends in [secret]');
  });

  test('a letter that grows in lower case does not switch masking off', () => {
    expect(redactor.text(`İ ${Buffer.from(value).toString('hex').toUpperCase()}`)).toBe('İ [secret]');
  });

  test('takes out NUL, terminal sequences, direction overrides and ill-formed text, and caps the length', () => {
    const plain = new Redactor([]);
    expect(plain.text('a\u0000b\u001b[2Jc\u202ed\r\ne\ud800f\u001b]0;title\u0007g')).toBe('abcd e\ufffdfg');
    expect(plain.text('x'.repeat(5000))).toHaveLength(2000);
    expect(plain.text('x'.repeat(5000), 100)).toHaveLength(100);
  });

  test('shows a URL without query values, user information and secrets in the path', () => {
    const url = redactor.url(`https://api.example/v1/${encodeURIComponent(value)}/keys?token=abc&ok=1#frag`);
    expect(url).toBe('https://api.example/v1/[secret]/keys?token=[secret]&ok=[secret]');
    expect(redactor.url('https://u:p@api.example/')).toBe('https://api.example/');
  });

  test('no secret of any letters survives in any form', () => {
    const secret = fc
      .string({ unit: 'grapheme', minLength: 8, maxLength: 60 })
      .filter((s) => s.trim().length >= 8 && visible(s) === s);
    fc.assert(
      fc.property(secret, fc.constantFrom(...Object.values(forms)), fc.nat(1990), (v, form, before) => {
        const out = new Redactor([Secret.of(v)]).text(`${'.'.repeat(before)}${form(v)} tail`);
        expect(out.length).toBeLessThanOrEqual(2000);
        expect(out).not.toContain(v);
        if (form === forms.base64) expect(out).not.toContain(form(v));
      }),
    );
  });
});
