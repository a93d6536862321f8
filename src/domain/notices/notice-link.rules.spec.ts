import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../kernel/ids.ts';
import { Secret } from '../../kernel/secret.ts';
import {
  formProof,
  isFormProof,
  isLinkCode,
  linkCode,
  linkToken,
  readLinkToken,
} from './notice-link.rules.ts';

const key = Secret.of('k'.repeat(32));
const link = { noticeId: newId(), contactId: newId(), expiresAt: 2_000_000_000_000 };

test('a token tells what it was made of, and is the same each time it is made', () => {
  const token = linkToken(link, key);
  expect(linkToken(link, key)).toBe(token);
  expect(readLinkToken(token, key, link.expiresAt)).toEqual({ link, expired: false });
  expect(readLinkToken(token, key, link.expiresAt + 1)).toEqual({ link, expired: true });
});

test('no changed character, other key or other form passes', () => {
  const token = linkToken(link, key);
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(...'ABCDEFabcdef0123-_'), (at, c) => {
      fc.pre(token[at] !== c);
      const changed = token.slice(0, at) + c + token.slice(at + 1);
      expect(readLinkToken(changed, key, 0)).toBeUndefined();
    }),
  );
  expect(readLinkToken(token, Secret.of('j'.repeat(32)), 0)).toBeUndefined();
  expect(readLinkToken(`${token}A`, key, 0)).toBeUndefined();
  expect(readLinkToken('', key, 0)).toBeUndefined();
});

test('a form proof belongs to one link', () => {
  const token = linkToken(link, key);
  const other = linkToken({ ...link, contactId: newId() }, key);
  expect(isFormProof(formProof(token, key), token, key)).toBe(true);
  expect(isFormProof(formProof(other, key), token, key)).toBe(false);
  expect(isFormProof('', token, key)).toBe(false);
});

test('a code is six digits that the link does not show, and belongs to one link', () => {
  const token = linkToken(link, key);
  const code = linkCode(token, key);
  expect(code).toMatch(/^\d{6}$/);
  expect(isLinkCode(code, token, key)).toBe(true);
  expect(isLinkCode(`${code.slice(0, 3)} ${code.slice(3)}`, token, key)).toBe(true);
  expect(isLinkCode('', token, key)).toBe(false);
  expect(linkCode(linkToken({ ...link, contactId: newId() }, key), key)).not.toBe(code);
});
