/**
 * One return path for each message (VERP): the sender address of bounces with a token in its local part, so that what comes
 * back is known by where it came to, whatever it says (RFC 5233 calls the part after the plus the detail). Lower case only,
 * since some servers fold it; 64 characters of local part at most (RFC 5321 section 4.5.3.1.1).
 */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** Bytes of a token; with a `bounces+` before it, it fits a local part. */
export const TOKEN_BYTES = 26;
const TOKEN = '[a-z2-7]{42}';

/** `bounces+<token>@host` */
export function bounceAddress(base: string, token: string): string {
  const at = base.lastIndexOf('@');
  return `${base.slice(0, at)}+${token}${base.slice(at)}`;
}

/** The tokens of addresses of ours that stand in a text, in order, each once. */
export function bounceTokensIn(text: string, base: string): string[] {
  const at = base.lastIndexOf('@');
  const [local, host] = [escaped(base.slice(0, at)), escaped(base.slice(at + 1))];
  const found = text
    .toLowerCase()
    .matchAll(new RegExp(`(?<![\\w.+-])${local}\\+(${TOKEN})@${host}(?![\\w.-])`, 'gi'));
  return [...new Set([...found].map(([, token]) => token!))].slice(0, 20);
}

/** Base32 (RFC 4648 section 6) in lower case, without padding. @throws RangeError for another length */
export function tokenText(bytes: Buffer): string {
  if (bytes.length !== TOKEN_BYTES) throw new RangeError(`a token of ${bytes.length} bytes`);
  let [text, bits, held] = ['', 0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return text + ALPHABET[(held << (5 - bits)) & 31];
}

/** Undefined: not what `tokenText` writes. */
export function tokenBytes(text: string): Buffer | undefined {
  if (!new RegExp(`^${TOKEN}$`).test(text)) return undefined;
  const bytes = Buffer.alloc(TOKEN_BYTES);
  let [at, bits, held] = [0, 0, 0];
  for (const letter of text) {
    held = (held << 5) | ALPHABET.indexOf(letter);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      if (at < TOKEN_BYTES) bytes[at++] = (held >> bits) & 255;
      held &= (1 << bits) - 1;
    }
  }
  return tokenText(bytes) === text ? bytes : undefined;
}

function escaped(text: string): string {
  return text.toLowerCase().replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}
