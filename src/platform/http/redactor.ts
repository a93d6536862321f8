import { MASK, type Secret } from '../../kernel/secret.ts';

const LONGEST = 2000;
/** Beyond this nothing is read: a supplier's answer is already limited, an extract shorter still. */
const LONGEST_INPUT = 256 * 1024;
/** A piece of a secret this long is masked as well: suppliers echo cut-off tokens. */
const PIECE = 12;
/** Encoded forms shorter than this would mask ordinary words. */
const SHORTEST_FORM = 4;

/**
 * Makes text from outside fit to be kept and shown: secrets masked in every form in which they are likely to come back
 * (raw, URL, form, base64 at any alignment, hex, JSON-escaped, cut off), control and invisible characters gone, at most
 * 2,000 characters.
 */
export class Redactor {
  readonly #forms: string[];
  readonly #foldedForms: string[];
  readonly #pieces: ReadonlySet<string>;

  constructor(secrets: Iterable<Secret>) {
    const forms = new Set<string>();
    const folded = new Set<string>();
    const pieces = new Set<string>();
    for (const secret of secrets) {
      const echoes = echoesOf(secret);
      for (const form of echoes.forms) forms.add(form);
      for (const form of echoes.folded) folded.add(form);
      for (const piece of echoes.pieces) pieces.add(piece);
    }
    this.#forms = [...forms].sort(byLength);
    this.#foldedForms = [...folded].sort(byLength);
    this.#pieces = pieces;
  }

  /** @param limit characters, at most 2,000. */
  text(input: string, limit = LONGEST): string {
    // Invisible characters go first: a secret with a NUL between its letters is still the secret.
    let text = visible(input.slice(0, LONGEST_INPUT));
    for (const form of this.#forms) text = text.replaceAll(form, MASK);
    text = replaceFolded(text, this.#foldedForms);
    text = this.#maskPieces(text);
    return shortened(text, Math.min(limit, LONGEST));
  }

  #maskPieces(text: string): string {
    if (this.#pieces.size === 0) return text;
    let out = '';
    let kept = 0;
    for (let at = 0; at + PIECE <= text.length;) {
      if (!this.#pieces.has(text.slice(at, at + PIECE))) {
        at++;
        continue;
      }
      let end = at + PIECE;
      while (end < text.length && this.#pieces.has(text.slice(end - PIECE + 1, end + 1))) end++;
      out += text.slice(kept, at) + MASK;
      kept = end;
      at = end;
    }
    return out + text.slice(kept);
  }

  /** A URL for the record: query values and everything secret masked, no user information, no fragment. */
  url(url: string): string {
    if (!URL.canParse(url)) return this.text(url, 500);
    const parsed = new URL(url);
    const query = [...parsed.searchParams.keys()]
      .map((name) => `${encodeURIComponent(name)}=${MASK}`)
      .join('&');
    return this.text(`${parsed.protocol}//${parsed.host}${parsed.pathname}${query ? `?${query}` : ''}`, 500);
  }
}

/** In which forms a secret may come back. */
interface Echoes {
  forms: readonly string[];
  folded: readonly string[];
  pieces: readonly string[];
}

/** As long as the secret lives: one is masked in what several requests bring. */
const known = new WeakMap<Secret, Echoes>();

function echoesOf(secret: Secret): Echoes {
  return secret.useBytes((bytes) => {
    let echoes = known.get(secret);
    if (echoes === undefined) known.set(secret, (echoes = echoesOfBytes(bytes)));
    return echoes;
  });
}

function echoesOfBytes(bytes: Buffer): Echoes {
  if (bytes.length === 0) return { forms: [], folded: [], pieces: [] };
  const raw = bytes.toString('utf8');
  const values = [...new Set([raw, raw.trim()])].filter((value) => value.length > 0);
  const pieces: string[] = [];
  for (let at = 0; at + PIECE <= raw.length; at++) pieces.push(raw.slice(at, at + PIECE));
  return {
    forms: [...values.flatMap(rawForms), ...base64Forms(bytes)],
    // Percent escapes and hex digits come in either case.
    folded: [percentEveryByte(bytes), encodeURIComponent(raw.toWellFormed()), bytes.toString('hex')]
      .filter((form) => form.length >= SHORTEST_FORM)
      .map((form) => form.toLowerCase()),
    pieces,
  };
}

/** What may be kept of text from outside when no secret is involved. */
export function visible(input: string): string {
  return (
    input
      .toWellFormed()
      // Terminal sequences, whole: a rest like `[31m` would stand between two halves of a secret.
      .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g, '')
      .replace(/[\t\n\r\u2028\u2029]+/g, ' ')
      // Controls, bidirectional overrides, zero-width characters.
      .replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '')
  );
}

/** Longest first, so that a form inside another does not leave its rest standing. */
const byLength = (a: string, b: string) => b.length - a.length;

function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;
}

/** What every encoding of texts leaves as it is. */
const PLAIN = /^[A-Za-z0-9._-]*$/;

function rawForms(raw: string): string[] {
  if (PLAIN.test(raw)) return [raw];
  const wellFormed = raw.toWellFormed();
  const form = new URLSearchParams({ v: wellFormed }).toString().slice(2);
  const json = JSON.stringify(raw).slice(1, -1);
  const html = raw.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
  return [
    raw,
    ...[
      encodeURIComponent(wellFormed),
      encodeURIComponent(encodeURIComponent(wellFormed)),
      form,
      json,
      json.replaceAll('/', '\\/'),
      html,
      html.replaceAll("'", '&#39;'),
      visible(raw),
    ].filter((text) => text.length >= SHORTEST_FORM),
  ];
}

/**
 * Base64 of the bytes wherever they stand inside something longer (`Basic` puts a name before them), in both alphabets:
 * the characters that depend on the neighbours are left out.
 */
function base64Forms(bytes: Buffer): string[] {
  const forms: string[] = [];
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const start = before === 0 ? 0 : before + 1;
    const bits = (before + bytes.length) * 8;
    const end = Math.floor(bits / 6);
    const inner = text.slice(start, end);
    if (inner.length >= SHORTEST_FORM) forms.push(inner, inner.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}

function percentEveryByte(bytes: Buffer): string {
  return bytes.toString('hex').replace(/../g, '%$&');
}

function replaceFolded(text: string, forms: readonly string[]): string {
  let left = text;
  let folded = foldedOf(left);
  for (const form of forms) {
    if (!folded.includes(form)) continue;
    let out = '';
    let from = 0;
    for (let at = folded.indexOf(form); at !== -1; at = folded.indexOf(form, from)) {
      out += left.slice(from, at) + MASK;
      from = at + form.length;
    }
    left = out + left.slice(from);
    folded = foldedOf(left);
  }
  return left;
}

/** ASCII only: full lower-casing changes the length of some letters, and positions with it. */
function foldedOf(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
