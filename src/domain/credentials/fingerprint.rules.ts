import { createHash, createHmac, hash } from 'node:crypto';
import { Secret } from '../../kernel/secret.ts';

/**
 * Fingerprints: HMAC-SHA-256(pepper, SHA-256(value)). Keyed, so that a stolen database cannot be tried against guesses;
 * over the SHA-256, so that a scanner or party that holds only that digest can match without sending the value.
 */
export const FINGERPRINT_SCHEME = 'hmac-sha256';

/** A key of fingerprints. Old ones stay live for reading until no fingerprint carries their id. */
export interface Pepper {
  id: string;
  key: Secret;
}

/** One keyed digest. `form` says how the value was read; `part` which part of a version it is. */
export interface KeyedDigest {
  scheme: string;
  keyId: string;
  digest: Buffer;
}

/** Bytes beyond which a value is fingerprinted as it is, and not taken apart. */
const LARGEST_READ = 64 * 1024;
/** Derived texts shorter than this are words, not secrets: matching on them would be matching on chance. */
const SHORTEST_DERIVED = 8;
const MOST_PIECES = 8;
const MOST_FORMS = 24;

/**
 * What a version is known by: every part under every live pepper. All parts are secret; what is public of a credential
 * (a key id, a client id) is its supplier's id and never a part.
 */
export function fingerprintsOf(
  parts: Readonly<Record<string, Secret>>,
  peppers: readonly Pepper[],
): ({ part: string } & KeyedDigest)[] {
  return Object.entries(parts).flatMap(([part, value]) =>
    keyed(value.useBytes(sha256), peppers).map((digest) => ({ part, ...digest })),
  );
}

/**
 * What a reported value may be known by: as it stands, trimmed, URL- and base64-decoded, and the pieces of a multi-part
 * secret, each under every live pepper.
 */
export function digestsOf(value: Secret, peppers: readonly Pepper[]): ({ form: string } & KeyedDigest)[] {
  return value.useBytes((bytes) => {
    const forms = formsOf(bytes);
    const digests = forms.flatMap(({ form, bytes: read }) =>
      keyed(sha256(read), peppers).map((digest) => ({ form, ...digest })),
    );
    for (const { bytes: read } of forms) if (read !== bytes) read.fill(0);
    return digests;
  });
}

/**
 * The same for a reporter that holds only the SHA-256 of the value.
 * @param hex 64 hex digits. @throws RangeError for anything else: schemas refuse it at the edge.
 */
export function digestsOfSha256(hex: string, peppers: readonly Pepper[]): ({ form: string } & KeyedDigest)[] {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new RangeError('a SHA-256 has 64 hex digits');
  return keyed(Buffer.from(hex, 'hex'), peppers).map((digest) => ({ form: 'sha256', ...digest }));
}

/**
 * Of many values, or of their SHA-256 in hex, the first reading only: enough to put them into order. One after another,
 * each under every pepper, as 32 bytes each; zeros where there is neither. By the two hashes that an HMAC is (RFC 2104
 * section 2), since `createHmac` costs three times as much for so few bytes.
 */
export function keyedSha256(values: readonly (Secret | string | null)[], peppers: readonly Pepper[]): Buffer {
  const keys = peppers.map(({ key }) => key.useBytes(padded));
  const digests = Buffer.alloc(values.length * peppers.length * 32);
  let at = 0;
  for (const value of values) {
    const of = value instanceof Secret ? value.useBytes((bytes) => hash('sha256', bytes, 'hex')) : value;
    for (const { inner, outer } of keys) {
      if (of !== null) {
        inner.write(of, 64, 32, 'hex');
        outer.write(hash('sha256', inner, 'hex'), 64, 32, 'hex');
        digests.write(hash('sha256', outer, 'hex'), at, 32, 'hex');
      }
      at += 32;
    }
  }
  for (const { inner, outer } of keys) {
    inner.fill(0);
    outer.fill(0);
  }
  return digests;
}

/** A key as both hashes of an HMAC begin with it, each with room for what is hashed behind it. */
function padded(key: Buffer): { inner: Buffer; outer: Buffer } {
  const block = Buffer.alloc(64);
  (key.length > 64 ? sha256(key) : key).copy(block);
  const inner = Buffer.alloc(96);
  const outer = Buffer.alloc(96);
  for (const [at, byte] of block.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  block.fill(0);
  return { inner, outer };
}

function keyed(digest: Buffer, peppers: readonly Pepper[]): KeyedDigest[] {
  return peppers.map(({ id, key }) => ({
    scheme: FINGERPRINT_SCHEME,
    keyId: id,
    digest: key.useBytes((pepper) => createHmac('sha256', pepper).update(digest).digest()),
  }));
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The readings of a reported value, each once; `raw` comes first and is the given buffer itself. */
export function formsOf(raw: Buffer): { form: string; bytes: Buffer }[] {
  const forms = [{ form: 'raw', bytes: raw }];
  const add = (form: string, text: string) => {
    if (forms.length >= MOST_FORMS) return;
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length === 0 || forms.some((known) => known.bytes.equals(bytes))) bytes.fill(0);
    else forms.push({ form, bytes });
  };
  const text = raw.length <= LARGEST_READ ? textOf(raw) : undefined;
  if (text === undefined) return forms;
  add('trimmed', text.trim());
  const url = urlDecoded(text.trim());
  const readings: [name: string, text: string][] = [['', text.trim()]];
  if (url !== undefined) readings.push(['url', url]);
  for (const [name, reading] of readings.slice()) {
    const decoded = base64Decoded(reading);
    if (decoded !== undefined) readings.push([name ? `${name}.base64` : 'base64', decoded]);
  }
  for (const [name, reading] of readings) {
    if (name) add(name, reading);
    if (name) add(`${name}.trimmed`, reading.trim());
    piecesOf(reading.trim()).forEach((piece, at) => {
      if (Buffer.byteLength(piece) >= SHORTEST_DERIVED) add(`${name ? `${name}.` : ''}part.${at + 1}`, piece);
    });
  }
  return forms;
}

/** Undefined for bytes that are no text. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function urlDecoded(text: string): string | undefined {
  if (!text.includes('%')) return undefined;
  try {
    const decoded = decodeURIComponent(text);
    return decoded === text || decoded.length < SHORTEST_DERIVED ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** Only what decodes to printable text: most tokens look like base64 and decode to noise. */
function base64Decoded(text: string): string | undefined {
  const compact = text.replace(/[\r\n]+/g, '');
  if (compact.length < 12 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(compact)) return undefined;
  const decoded = textOf(Buffer.from(compact, 'base64'));
  if (decoded === undefined || decoded.length < SHORTEST_DERIVED) return undefined;
  return /^[\t\r\n\x20-\x7e\u00a0-\uffff]+$/.test(decoded) ? decoded : undefined;
}

/**
 * The pieces of a multi-part secret as reports quote them: members of a JSON object, `NAME=value` lines, `id:secret`, the
 * password in a URL. A text with more pieces than any credential has is a document and stays whole.
 */
function piecesOf(text: string): string[] {
  if (text.startsWith('{')) {
    const members = jsonTexts(text);
    if (members) return members.length <= MOST_PIECES ? members : [];
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const found = /^[a-z][a-z0-9+.-]*:\/\/[^/@:]*:([^/@]+)@/i.exec(text)?.[1];
    return found === undefined
      ? []
      : [found, ...(urlDecoded(found) === undefined ? [] : [urlDecoded(found)!])];
  }
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  if (lines.length > MOST_PIECES) return [];
  const pieces = lines.flatMap((line) => {
    const assigned = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_.-]*\s*=\s*(["']?)(.+?)\1\s*$/.exec(line)?.[2];
    if (assigned !== undefined) return [assigned];
    return [
      ...(lines.length > 1 ? [line.trim()] : []),
      ...(line.includes(':') ? line.split(':').map((piece) => piece.trim()) : []),
    ];
  });
  return pieces.length <= MOST_PIECES ? pieces : [];
}

function jsonTexts(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
    return Object.values(value).filter((member): member is string => typeof member === 'string');
  } catch {
    return undefined;
  }
}
