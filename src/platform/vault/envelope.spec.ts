import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Secret } from '../../kernel/secret.ts';
import { open, rewrap, seal, type Envelope, type Kek } from './envelope.ts';

const kek = (id: string): Kek => ({ id, key: Secret.ofBytes(randomBytes(32)) });
const first = kek('first');
const second = kek('second');

describe('sealing', () => {
  test('what was sealed opens again, and is not in the envelope', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 6 }), fc.string(), (value, binding) => {
        const envelope = seal(Secret.of(value), binding, first);
        expect(open(envelope, binding, [second, first]).toString()).toBe(Buffer.from(value).toString());
        for (const part of [envelope.ciphertext, envelope.wrappedKey, envelope.nonce])
          expect(part.includes(Buffer.from(value))).toBe(false);
      }),
    );
  });

  test('the same value never looks the same twice', () => {
    const [a, b] = [seal(Secret.of('v'), 'x', first), seal(Secret.of('v'), 'x', first)];
    expect(a.ciphertext.equals(b.ciphertext) || a.wrappedKey.equals(b.wrappedKey)).toBe(false);
  });

  test('does not open for another owner, under another key, or without its key', () => {
    const envelope = seal(Secret.of('value'), 'connection:1:token', first);
    expect(() => open(envelope, 'connection:2:token', [first])).toThrow('belongs to something else');
    expect(() => open(envelope, 'connection:1:token', [{ ...second, id: 'first' }])).toThrow('does not open');
    expect(() => open(envelope, 'connection:1:token', [second])).toThrow('first is not at hand');
  });

  test('a single changed bit anywhere is noticed', () => {
    const envelope = seal(Secret.of('value'), 'x', first);
    for (const part of ['wrappedKey', 'nonce', 'ciphertext'] as const) {
      for (let bit = 0; bit < envelope[part].length * 8; bit++) {
        const changed: Envelope = { ...envelope, [part]: Buffer.from(envelope[part]) };
        changed[part].writeUInt8(changed[part].readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(() => open(changed, 'x', [first])).toThrow();
      }
    }
    expect(() => open({ ...envelope, ciphertext: Buffer.alloc(3) }, 'x', [first])).toThrow('damaged');
  });

  test('rewrapped, it opens under the new key alone, and the value was not sealed anew', () => {
    const envelope = seal(Secret.of('value'), 'x', first);
    const moved = rewrap(envelope, 'x', [second, first], second);
    expect(moved.kekId).toBe('second');
    expect(moved.ciphertext).toBe(envelope.ciphertext);
    expect(open(moved, 'x', [second]).toString()).toBe('value');
    expect(() => rewrap(envelope, 'y', [first], second)).toThrow('does not open');
  });
});
