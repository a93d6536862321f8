import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

/**
 * Signatures that somebody makes elsewhere, with a key of their own, over a document that we give them. Ed25519 only
 * (RFC 8032); the key comes as PEM (RFC 8410) or as a line of OpenSSH, the signature as the 64 bytes in base64 or as the
 * armoured file that `ssh-keygen -Y sign` writes (OpenSSH, PROTOCOL.sshsig).
 */

/** What `ssh-keygen -Y sign -n` is given: a signature made for another purpose is none here. */
export const SSH_NAMESPACE = 'countersign';

const SSH_KEY = 'ssh-ed25519';
const MAGIC = Buffer.from('SSHSIG');
const ARMOUR = /^-----BEGIN SSH SIGNATURE-----([A-Za-z0-9+/=\s]{1,4000})-----END SSH SIGNATURE-----$/;
/** SubjectPublicKeyInfo of an Ed25519 key but for its 32 bytes (RFC 8410 section 4). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * An Ed25519 public key, or undefined. A private key would be read, too, and its public half taken: it must not be sent
 * here at all.
 */
export function readPublicKey(text: string): KeyObject | undefined {
  const trimmed = text.trim();
  try {
    if (trimmed.startsWith('-----BEGIN PUBLIC KEY-----')) {
      const key = createPublicKey(trimmed);
      return key.asymmetricKeyType === 'ed25519' ? key : undefined;
    }
    const line = /^ssh-ed25519 ([A-Za-z0-9+/]{1,200}={0,2})(?: [^\r\n]*)?$/.exec(trimmed)?.[1];
    const raw = line === undefined ? undefined : readSshKey(Buffer.from(line, 'base64'));
    return raw && createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** Whether a signature, in either form, is the key's over exactly the bytes of the document. */
export function isDetachedSignature(publicKey: string, document: string, signature: string): boolean {
  const key = createPublicKey(publicKey);
  const bytes = Buffer.from(document, 'utf8');
  const armoured = ARMOUR.exec(signature.trim())?.[1];
  if (armoured !== undefined) return isSshSignature(key, bytes, Buffer.from(armoured, 'base64'));
  const plain = signature.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]{86}==$/.test(plain)) return false;
  return verify(null, bytes, key, Buffer.from(plain, 'base64'));
}

function isSshSignature(key: KeyObject, document: Buffer, blob: Buffer): boolean {
  try {
    const read = new SshReader(blob);
    if (!read.take(MAGIC.length).equals(MAGIC) || read.number() !== 1) return false;
    const signer = readSshKey(read.text());
    const [namespace, reserved, hash, inner] = [read.text(), read.text(), read.text(), read.text()];
    if (!read.ended || !signer?.equals(rawOf(key))) return false;
    const name = hash.toString('latin1');
    if (namespace.toString() !== SSH_NAMESPACE || (name !== 'sha256' && name !== 'sha512')) return false;
    const signature = new SshReader(inner);
    if (signature.text().toString('latin1') !== SSH_KEY) return false;
    const bytes = signature.text();
    const signed = Buffer.concat([
      MAGIC,
      ...[namespace, reserved, hash, digest(name, document)].map(sshText),
    ]);
    return signature.ended && bytes.length === 64 && verify(null, signed, key, bytes);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function rawOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(SPKI.length);
}

/** The 32 bytes of a key as OpenSSH writes it. @throws RangeError when it ends too early */
function readSshKey(blob: Buffer): Buffer | undefined {
  const read = new SshReader(blob);
  if (read.text().toString('latin1') !== SSH_KEY) return undefined;
  const raw = read.text();
  return read.ended && raw.length === 32 ? raw : undefined;
}

function sshText(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Strings with their length before them (RFC 4251 section 5). @throws RangeError past the end */
class SshReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get ended(): boolean {
    return this.#at === this.bytes.length;
  }

  take(count: number): Buffer {
    if (this.#at + count > this.bytes.length) throw new RangeError('ends too early');
    return this.bytes.subarray(this.#at, (this.#at += count));
  }

  number(): number {
    return this.take(4).readUInt32BE();
  }

  text(): Buffer {
    return this.take(this.number());
  }
}

function digest(name: 'sha256' | 'sha512', document: Buffer): Buffer {
  return createHash(name).update(document).digest();
}
