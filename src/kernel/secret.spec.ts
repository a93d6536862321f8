import { format, inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { MASK, Secret } from './secret.ts';

const VALUE = 'canary-7f3e-value';

test('only use and useBytes reveal it', () => {
  const secret = Secret.of(VALUE);
  expect(secret.use((value) => value)).toBe(VALUE);
  expect(secret.useBytes((bytes) => bytes.toString())).toBe(VALUE);
  expect(Secret.ofBytes(Buffer.from(VALUE)).use((value) => value)).toBe(VALUE);
});

test('whatever prints it prints the mask', () => {
  const secret = Secret.of(VALUE);
  const prints = [
    String(secret),
    `${secret}`, // oxlint-disable-line typescript/restrict-template-expressions -- done by mistake, this must show the mask
    secret + '',
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 9, showHidden: true }),
    format('%s %o %j', secret, secret, secret),
    inspect(new Error('x', { cause: secret }), { showHidden: true }),
    JSON.stringify(Object.entries(secret)),
  ];
  for (const text of prints) expect(text).not.toContain(VALUE);
  expect(prints[0]).toBe(MASK);
  expect(prints[3]).toBe(`{"secret":"${MASK}"}`);
});

test('wiping overwrites the bytes, and a wiped secret is not used', () => {
  const bytes = Buffer.from(VALUE);
  const secret = Secret.ofBytes(bytes);
  secret.wipe();
  secret.wipe();
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  expect(() => secret.use((value) => value)).toThrow('wiped');
  expect(() => secret.useBytes((b) => b)).toThrow('wiped');
  expect(String(secret)).toBe(MASK);
});

test('well-formed text comes back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => expect(Secret.of(text).use((v) => v)).toBe(text)),
  );
});
