import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Secret } from '../../kernel/secret.ts';

/** A key-encryption key: 32 bytes, known by an id that stands beside everything it wraps. */
export interface Kek {
  id: string;
  key: Secret;
}

/**
 * A sealed value: AES-256-GCM under a data key of its own, the data key under a key-encryption key. Both carry what the
 * value belongs to as associated data, so that a row moved to another owner no longer opens.
 */
export interface Envelope {
  kekId: string;
  /** nonce (12), encrypted data key (32), tag (16). */
  wrappedKey: Buffer;
  nonce: Buffer;
  /** Encrypted value, then tag (16). */
  ciphertext: Buffer;
}

/** @param binding what the value belongs to, unique to its row: `<row id>:<bound to>`. */
export function seal(value: Secret, binding: string, kek: Kek): Envelope {
  const dataKey = randomBytes(32);
  try {
    const nonce = randomBytes(12);
    return {
      kekId: kek.id,
      wrappedKey: wrap(dataKey, binding, kek),
      nonce,
      ciphertext: value.useBytes((bytes) => encrypt(dataKey, nonce, bytes, associated('value', binding))),
    };
  } finally {
    dataKey.fill(0);
  }
}

/** @returns the value's bytes, the caller's to keep or wipe. @throws Error that says nothing of the value. */
export function open(envelope: Envelope, binding: string, keks: readonly Kek[]): Buffer {
  const dataKey = unwrap(envelope, binding, keks);
  try {
    return decrypt(dataKey, envelope.nonce, envelope.ciphertext, associated('value', binding));
  } finally {
    dataKey.fill(0);
  }
}

/** The same value under another key-encryption key; the value itself is not touched. */
export function rewrap(envelope: Envelope, binding: string, keks: readonly Kek[], to: Kek): Envelope {
  const dataKey = unwrap(envelope, binding, keks);
  try {
    return { ...envelope, kekId: to.id, wrappedKey: wrap(dataKey, binding, to) };
  } finally {
    dataKey.fill(0);
  }
}

function wrap(dataKey: Buffer, binding: string, kek: Kek): Buffer {
  const nonce = randomBytes(12);
  const sealed = kek.key.useBytes((key) =>
    encrypt(key, nonce, dataKey, associated(`key:${kek.id}`, binding)),
  );
  return Buffer.concat([nonce, sealed]);
}

function unwrap(envelope: Envelope, binding: string, keks: readonly Kek[]): Buffer {
  const kek = keks.find((one) => one.id === envelope.kekId);
  if (!kek) throw new Error(`the key-encryption key ${envelope.kekId} is not at hand`);
  const wrapped = envelope.wrappedKey;
  return kek.key.useBytes((key) =>
    decrypt(key, wrapped.subarray(0, 12), wrapped.subarray(12), associated(`key:${kek.id}`, binding)),
  );
}

function encrypt(key: Buffer, nonce: Buffer, bytes: Buffer, aad: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, nonce: Buffer, sealed: Buffer, aad: Buffer): Buffer {
  if (nonce.length !== 12 || sealed.length < 16) throw new Error('a sealed value is damaged');
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - 16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch {
    throw new Error('a sealed value does not open: it was changed, or belongs to something else');
  }
}

/** Length-prefixed, so that no two pairs read alike. */
function associated(purpose: string, binding: string): Buffer {
  return Buffer.from(JSON.stringify(['countersign.sealed.v1', purpose, binding]), 'utf8');
}
