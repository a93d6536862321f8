import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isHash, type TreeHead } from './merkle.ts';
import { err, ok, type Result } from './result.ts';

/**
 * Signed notes (C2SP signed-note v1.0.0) with Ed25519, and the log checkpoints that they carry (C2SP tlog-checkpoint
 * v1.0.0): what a log says about itself, in a form that anybody's tools can check.
 */

/** A public key under a name: the text form is a "vkey". */
export interface Verifier {
  name: string;
  /** Eight hex digits. */
  keyId: string;
  key: KeyObject;
}

/** The log's own key. `sign` returns the 64 bytes of an Ed25519 signature. */
export interface NoteSigner {
  name: string;
  keyId: string;
  sign(text: Buffer): Buffer;
}

export interface NoteSignature {
  name: string;
  keyId: string;
  signature: Buffer;
}

export interface Note {
  /** With its last newline. */
  text: string;
  signatures: NoteSignature[];
}

const ED25519 = 0x01;
/** The DER in front of a raw Ed25519 public key (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const MOST_SIGNATURES = 64;
const NAME = /^[^\s+\p{Z}\p{C}]+$/u;
const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/;

/** The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key), in hex. @param raw the 32 bytes of the public key */
export function keyIdOf(name: string, raw: Buffer): string {
  return createHash('sha256')
    .update(name)
    .update(Buffer.from([0x0a, ED25519]))
    .update(raw)
    .digest('hex')
    .slice(0, 8);
}

/** `name+key id+base64(type ‖ key)`. @throws RangeError for a name or key of the wrong form. */
export function formatVkey(name: string, raw: Buffer): string {
  if (!NAME.test(name)) throw new RangeError(`key name ${JSON.stringify(name)}`);
  if (raw.length !== 32) throw new RangeError(`an Ed25519 public key of ${raw.length} bytes`);
  return `${name}+${keyIdOf(name, raw)}+${Buffer.concat([Buffer.from([ED25519]), raw]).toString('base64')}`;
}

/** @returns the verifier, or what is wrong with the text. */
export function parseVkey(vkey: string): Result<Verifier, string> {
  const [, name, keyId, data] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey.trim()) ?? [];
  if (name === undefined || keyId === undefined || data === undefined || !NAME.test(name)) {
    return err('a verifier key has the form name+hexid+base64key');
  }
  const bytes = decodeBase64(data);
  if (bytes?.length !== 33 || bytes[0] !== ED25519) return err('only Ed25519 verifier keys are known');
  const raw = bytes.subarray(1);
  if (keyIdOf(name, raw) !== keyId) return err('the key id does not belong to this name and key');
  return ok({
    name,
    keyId,
    key: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' }),
  });
}

/** Takes a note apart, checking its form and no signature. */
export function parseNote(note: string): Result<Note, string> {
  if (!note.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(note))
    return err('a note holds no control characters');
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0 || !note.endsWith('\n')) return err('a note is a text, a blank line and signature lines');
  const lines = note.slice(blank + 2, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) return err(`more than ${MOST_SIGNATURES} signatures`);
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, data] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = data === undefined ? undefined : decodeBase64(data);
    if (name === undefined || !NAME.test(name) || bytes === undefined || bytes.length < 5) {
      return err(`not a signature line: ${JSON.stringify(line.slice(0, 80))}`);
    }
    signatures.push({ name, keyId: bytes.subarray(0, 4).toString('hex'), signature: bytes.subarray(4) });
  }
  return ok({ text: note.slice(0, blank + 1), signatures });
}

/**
 * The text of a note that at least one known key signed. Signatures of unknown keys are ignored; one of a known key
 * that does not fit refuses the whole note.
 */
export function openNote(note: string, verifiers: readonly Verifier[]): Result<string, string> {
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  const { text, signatures } = parsed.value;
  const bytes = Buffer.from(text);
  let signed = false;
  for (const { name, keyId, signature } of signatures) {
    const verifier = verifiers.find((v) => v.name === name && v.keyId === keyId);
    if (!verifier) continue;
    if (signature.length !== 64 || !verify(null, bytes, verifier.key, signature)) {
      return err(`the signature of ${name} does not fit the text`);
    }
    signed = true;
  }
  return signed ? ok(text) : err('not signed by a known key');
}

/** @throws RangeError for a text that is no note text. */
export function signNote(text: string, signer: NoteSigner): string {
  if (!text.endsWith('\n') || !text.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(text)) {
    throw new RangeError('a note text ends in a newline and holds no control characters');
  }
  const signature = Buffer.concat([Buffer.from(signer.keyId, 'hex'), signer.sign(Buffer.from(text))]);
  return `${text}\n\u2014 ${signer.name} ${signature.toString('base64')}\n`;
}

/** What a log commits to: this many entries, with this root. */
export interface Checkpoint extends TreeHead {
  origin: string;
}

export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root } = checkpoint;
  if (!NAME.test(origin) || !Number.isSafeInteger(size) || size < 0 || !isHash(root)) {
    throw new RangeError(`a checkpoint of ${JSON.stringify(checkpoint)}`);
  }
  return `${origin}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n`;
}

/** Reads a checkpoint's note text. Extension lines are allowed and ignored. */
export function parseCheckpoint(text: string): Result<Checkpoint, string> {
  if (!text.endsWith('\n')) return err('a checkpoint ends in a newline');
  const [origin, size, root, ...extensions] = text.slice(0, -1).split('\n');
  if (!origin) return err('a checkpoint begins with its origin');
  if (size === undefined || !/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size))) {
    return err('the second line of a checkpoint is the size of the tree');
  }
  const bytes = root === undefined ? undefined : decodeBase64(root);
  if (bytes?.length !== 32) return err('the third line of a checkpoint is the root in base64');
  if (extensions.includes('')) return err('an extension line of a checkpoint is not empty');
  return ok({ origin, size: Number(size), root: bytes.toString('hex') });
}

/** A checkpoint that a known key signed, under its own origin as the key's name. */
export function openCheckpoint(note: string, verifiers: readonly Verifier[]): Result<Checkpoint, string> {
  const text = openNote(note, verifiers);
  if (!text.ok) return text;
  const checkpoint = parseCheckpoint(text.value);
  if (checkpoint.ok && !verifiers.some((v) => v.name === checkpoint.value.origin)) {
    return err(`the checkpoint is of another log, ${JSON.stringify(checkpoint.value.origin)}`);
  }
  return checkpoint;
}

/** Takes a text of several notes apart, as `joinNotes` puts them together. */
export function splitNotes(text: string): string[] {
  const splitter = new NoteSplitter();
  const notes: string[] = [];
  for (const line of text.split(/(?<=\n)/)) notes.push(...splitter.push(line));
  return [...notes, ...splitter.end()];
}

/** The same for a text that comes line by line, each with its newline. */
export class NoteSplitter {
  #note = '';
  #signed = false;

  push(line: string): string[] {
    const done = this.#signed && !line.startsWith('\u2014 ') ? this.end() : [];
    if (this.#note === '' && line === '\n') return done;
    if (this.#note.endsWith('\n\n') && line.startsWith('\u2014 ')) this.#signed = true;
    this.#note += line;
    return done;
  }

  /** What is left at the end, whole or not. */
  end(): string[] {
    const left = this.#note;
    this.#note = '';
    this.#signed = false;
    return left === '' ? [] : [left];
  }
}

/** Puts a blank line between notes. */
export function joinNotes(notes: readonly string[]): string {
  return notes.join('\n');
}

/** Undefined where the text is not the one standard base64 (RFC 4648 section 4) of its bytes. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
