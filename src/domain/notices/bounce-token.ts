import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Id } from '../../kernel/ids.ts';
import type { Secret } from '../../kernel/secret.ts';
import { TOKEN_BYTES, tokenBytes, tokenText } from '../../platform/mail/bounce-address.ts';

const ID = 16;

/**
 * What the return path of one attempt holds: its id and an HMAC-SHA-256 over purpose and id, cut to ten bytes. It names
 * nobody, and nobody makes one for an attempt that they were not sent.
 */
export function bounceToken(attemptId: Id, key: Secret): string {
  const id = Buffer.from(attemptId.replaceAll('-', ''), 'hex');
  return tokenText(Buffer.concat([id, mac(id, key)]));
}

/** The attempt of a token; undefined: not one of ours. */
export function readBounceToken(token: string, key: Secret): Id | undefined {
  const bytes = tokenBytes(token);
  if (!bytes || !timingSafeEqual(bytes.subarray(ID), mac(bytes.subarray(0, ID), key))) return undefined;
  const hex = bytes.subarray(0, ID).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function mac(id: Buffer, key: Secret): Buffer {
  return key.useBytes((k) =>
    createHmac('sha256', k)
      .update('countersign return path v1\0')
      .update(id)
      .digest()
      .subarray(0, TOKEN_BYTES - ID),
  );
}
