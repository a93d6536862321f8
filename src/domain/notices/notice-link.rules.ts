import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Id } from '../../kernel/ids.ts';
import type { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';

/** What a link in a mail lets its holder do: see one notice and acknowledge it, as one contact, until a time. */
export interface NoticeLink {
  noticeId: Id;
  contactId: Id;
  expiresAt: Millis;
}

const PURPOSE = 'countersign notice link v1';
const CLAIMS = 16 + 16 + 8;
const MAC = 32;

/**
 * The token of a link: its claims and an HMAC-SHA-256 over purpose and claims, base64url. It can be made again from the
 * same claims, so that every attempt of a notice carries the same text, and nothing secret is stored (ASVS 9.2: purpose,
 * expiry and subject are inside the signature).
 */
export function linkToken(link: NoticeLink, key: Secret): string {
  const claims = Buffer.alloc(CLAIMS);
  uuidBytes(link.noticeId).copy(claims, 0);
  uuidBytes(link.contactId).copy(claims, 16);
  claims.writeBigUInt64BE(BigInt(link.expiresAt), 32);
  return Buffer.concat([claims, mac(claims, key)]).toString('base64url');
}

/** The link of a token, or undefined when it is not ours. Whether it has expired is told, not hidden: the page explains. */
export function readLinkToken(
  token: string,
  key: Secret,
  now: Millis,
): { link: NoticeLink; expired: boolean } | undefined {
  if (!/^[A-Za-z0-9_-]{96}$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== CLAIMS + MAC) return undefined;
  const claims = bytes.subarray(0, CLAIMS);
  if (!timingSafeEqual(bytes.subarray(CLAIMS), mac(claims, key))) return undefined;
  const expiresAt = Number(claims.readBigUInt64BE(32));
  return {
    link: {
      noticeId: uuidText(claims.subarray(0, 16)),
      contactId: uuidText(claims.subarray(16, 32)),
      expiresAt,
    },
    expired: now > expiresAt,
  };
}

/** The form's own proof that it was served to the holder of this link: a page elsewhere cannot make it. */
export function formProof(token: string, key: Secret): string {
  return key.useBytes((k) =>
    createHmac('sha256', k).update('countersign form proof v1\0').update(token).digest('base64url'),
  );
}

export function isFormProof(proof: string, token: string, key: Secret): boolean {
  const expected = Buffer.from(formProof(token, key));
  const given = Buffer.from(proof);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/**
 * Six digits that stand in the message beside its link, and not in the link: whoever types them has read it. A scanner
 * that opens the link, or sends whatever form it finds there, does not have them; neither does who found the address in a
 * history or was sent the link alone.
 */
export function linkCode(token: string, key: Secret): string {
  const digest = key.useBytes((k) =>
    createHmac('sha256', k).update('countersign notice code v1\0').update(token).digest(),
  );
  return String(digest.readUInt32BE(0) % 1_000_000).padStart(6, '0');
}

export function isLinkCode(typed: string, token: string, key: Secret): boolean {
  const given = Buffer.from(typed.replace(/[\s-]/g, ''));
  const expected = Buffer.from(linkCode(token, key));
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function mac(claims: Buffer, key: Secret): Buffer {
  return key.useBytes((k) => createHmac('sha256', k).update(`${PURPOSE}\0`).update(claims).digest());
}

function uuidBytes(id: Id): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

function uuidText(bytes: Buffer): Id {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
