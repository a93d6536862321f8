import { Refused, refusal } from '../kernel/errors.ts';

const MOST_PARTS = 50;
const LONGEST_HEAD = 4096;
const LINE = Buffer.from('\r\n');

/**
 * The parts of a form that holds files (RFC 7578), by name: a part with a file name is its bytes, another one is text. What
 * the browser says of a file (its name, its type) is left aside.
 * @throws Refused
 */
export function multipart(bytes: Buffer, contentType: string | undefined): Record<string, string | Buffer> {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(
      contentType ?? '',
    ) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw new Refused(UNREADABLE);
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const parts: Record<string, string | Buffer> = {};
  // The first delimiter has no line before it.
  let at = Buffer.from(`--${boundary}`, 'latin1').equals(bytes.subarray(0, delimiter.length - 2))
    ? delimiter.length - 2
    : -1;
  for (let count = 0; at >= 0 && bytes.subarray(at, at + 2).equals(LINE); count++) {
    const end = bytes.indexOf(delimiter, at);
    const head = bytes.indexOf('\r\n\r\n', at);
    if (end < 0 || head < 0 || head > end || head - at > LONGEST_HEAD || count >= MOST_PARTS)
      throw new Refused(UNREADABLE);
    const { name, isFile } = named(bytes.subarray(at + 2, head).toString('utf8'));
    const content = bytes.subarray(head + 4, end);
    if (Object.hasOwn(parts, name)) throw new Refused(UNREADABLE);
    parts[name] = isFile ? Buffer.from(content) : text(content);
    at = end + delimiter.length;
  }
  if (at < 0 || bytes.subarray(at, at + 2).toString('latin1') !== '--') throw new Refused(UNREADABLE);
  return parts;
}

function named(head: string): { name: string; isFile: boolean } {
  const disposition = head.split('\r\n').find((line) => /^content-disposition\s*:/i.test(line)) ?? '';
  const [, name] = /;\s*name="([A-Za-z0-9_-]{1,60})"/.exec(disposition) ?? [];
  if (name === undefined || !/:\s*form-data\s*;/i.test(disposition)) throw new Refused(UNREADABLE);
  return { name, isFile: /;\s*filename\*?=/i.test(disposition) };
}

function text(bytes: Buffer): string {
  try {
    const read = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!read.includes('\u0000')) return read;
  } catch {
    // Refused below, as a NUL is.
  }
  throw new Refused(UNREADABLE);
}

const UNREADABLE = refusal('invalid', 'form-encoding', 'The form with its file cannot be read.');
