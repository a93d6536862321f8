import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { join, resolve } from 'node:path';
import { formatVkey, keyIdOf, type NoteSigner } from '../../kernel/checkpoint.ts';
import { newId } from '../../kernel/ids.ts';
import { Secret } from '../../kernel/secret.ts';
import type { Config } from '../config/config.ts';
import { KeyFolder, KeyProblem } from './key-file.ts';

export interface NamedKey {
  /** Derived from the key: the same wherever the key is kept. Fit for a row. */
  id: string;
  key: Secret;
}

/** A key, and the file or variable that it comes from. */
export interface KeptKey extends NamedKey {
  where: string;
}

/** The ledger's own key. `origin` is the name of the log that it signs for. */
export interface LedgerSigner extends NoteSigner {
  origin: string;
  /** What a reader of our checkpoints needs: `name+id+key`. */
  vkey: string;
}

/**
 * The keys that no database backup holds. Each comes from the configuration where an operator gave it, else from a file
 * in `<data>/keys`, made on first use:
 *
 * - `ledger.key`: signs checkpoints, in the note format's text form (`PRIVATE+KEY+name+id+seed`), which also keeps the
 *   log's name;
 * - `link.key`, `session.key`: sign links in mails, and session cookies;
 * - `pepper-<n>.key`: keys of the fingerprints. A new number makes a new one current; the others stay live for matching;
 * - `kek-<n>.key`: wrap the data keys of sealed secrets. A new number makes a new one current; the others still unwrap.
 *
 * All but `ledger.key` are base64 of 32 bytes.
 */
export class Keys {
  readonly #ledger: LedgerSigner;
  readonly #link: Secret;
  readonly #session: Secret;
  readonly #peppers: readonly NamedKey[];
  readonly #folder: KeyFolder;
  readonly #config: KeyConfig;
  #keks: readonly KeptKey[];
  /** The folder as it was when its keys were read. */
  #readAs: string;

  private constructor(folder: KeyFolder, config: KeyConfig) {
    this.#ledger = readLedgerKey(folder);
    this.#link = readKey(folder, 'link.key');
    this.#session =
      config.sessionSecret === undefined ? readKey(folder, 'session.key') : Secret.of(config.sessionSecret);
    this.#peppers = named([
      ...(config.pepper === undefined ? [] : [Secret.of(config.pepper)]),
      ...readNumbered(folder, 'pepper', config.pepper === undefined).map(({ key }) => key),
    ]);
    this.#folder = folder;
    this.#config = config;
    this.#keks = this.#readKeks();
    this.#readAs = folder.state();
  }

  /** @throws KeyProblem naming the file or variable and its mend. */
  static open(config: KeyConfig): Keys {
    const folder = new KeyFolder(join(resolve(config.dataFolder), 'keys'));
    folder.prepare();
    return new Keys(folder, config);
  }

  signer(): LedgerSigner {
    return this.#ledger;
  }

  /** HMAC key of links in mails. */
  linkKey(): Secret {
    return this.#link;
  }

  /** Live peppers; the first is current. */
  peppers(): readonly NamedKey[] {
    return this.#peppers;
  }

  /**
   * Key-encryption keys of 32 bytes; the first is current, the others unwrap what they wrapped. A process that runs while
   * a command makes a new one uses it from its next call on.
   */
  keks(): readonly KeptKey[] {
    const state = this.#folder.state();
    if (state === this.#readAs) return this.#keks;
    try {
      this.#keks = this.#readKeks();
      this.#readAs = state;
    } catch (thrown) {
      // A file that nobody can use takes no key away from a process that runs; the next start names it.
      if (!(thrown instanceof KeyProblem)) throw thrown;
    }
    return this.#keks;
  }

  /**
   * Makes a new key-encryption key, from now on the current one, and keeps the others.
   *
   * @throws KeyProblem where the current key is not a file, and so not ours to make
   */
  makeKek(): KeptKey {
    if (this.#config.kek !== undefined) {
      throw new KeyProblem({
        field: 'COUNTERSIGN_KEK',
        problem: 'is the current key-encryption key, and only whoever sets it can replace it',
        mend: `Put the old value into ${join(this.#folder.path, 'kek-1.key')} (mode 600; any free number), set COUNTERSIGN_KEK to the output of: openssl rand -base64 32, start every process again, and run: countersign keys rewrap`,
      });
    }
    const last = this.#folder.list(KEK_FILES).at(-1) ?? 'kek-0.key';
    readKey(this.#folder, `kek-${Number(/\d+/.exec(last)?.[0] ?? 0) + 1}.key`);
    const [made] = this.keks();
    if (!made) throw new Error('a key-encryption key was made and is not there');
    return made;
  }

  #readKeks(): KeptKey[] {
    const { kek } = this.#config;
    const kept = [
      ...(kek === undefined ? [] : [{ key: kekOf(kek), where: 'COUNTERSIGN_KEK' }]),
      ...readNumbered(this.#folder, 'kek', kek === undefined),
    ];
    return named(kept.map(({ key }) => key)).map((one) => ({
      ...one,
      where: kept.find(({ key }) => key === one.key)?.where ?? '',
    }));
  }

  sessionSecret(): Secret {
    return this.#session;
  }
}

export type KeyConfig = Pick<Config, 'dataFolder' | 'pepper' | 'kek' | 'sessionSecret'>;

const KEY_BYTES = 32;

function readKey(folder: KeyFolder, name: string): Secret {
  const text = folder.readOrCreate(name, () => randomBytes(KEY_BYTES).toString('base64'));
  return decodeKey(text, join(folder.path, name), 'Restore the file from your backup of the keys.');
}

const KEK_FILES = /^kek-\d+\.key$/;

/** Highest number first. `needed`: there must be one, so the first is made. */
function readNumbered(folder: KeyFolder, kind: string, needed: boolean): { key: Secret; where: string }[] {
  const names = folder.list(new RegExp(`^${kind}-\\d+\\.key$`)).toReversed();
  if (names.length === 0 && needed) names.push(`${kind}-1.key`);
  return names.map((name) => ({ key: readKey(folder, name), where: join(folder.path, name) }));
}

function kekOf(text: string): Secret {
  return decodeKey(text.trim(), 'COUNTERSIGN_KEK', 'Set it to the output of: openssl rand -base64 32');
}

function decodeKey(text: string, field: string, mend: string): Secret {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== text) {
    throw new KeyProblem({ field, problem: 'is not base64 of 32 bytes', mend });
  }
  return Secret.ofBytes(bytes);
}

/** Names every key by what it is. The same key given twice counts once. */
function named(keys: readonly Secret[]): NamedKey[] {
  const byId = new Map<string, NamedKey>();
  for (const key of keys) {
    const id = key.useBytes((bytes) =>
      createHmac('sha256', bytes).update('countersign key id').digest('hex').slice(0, 16),
    );
    if (!byId.has(id)) byId.set(id, { id, key });
  }
  return [...byId.values()];
}

const ED25519 = Buffer.from([1]);
/** The DER in front of a raw Ed25519 private key (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

function readLedgerKey(folder: KeyFolder): LedgerSigner {
  const text = folder.readOrCreate('ledger.key', makeLedgerKey);
  const [, name, keyId, data] =
    /^PRIVATE\+KEY\+([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = data === undefined ? undefined : Buffer.from(data, 'base64');
  if (name === undefined || bytes?.length !== KEY_BYTES + 1 || bytes[0] !== 1) {
    throw malformed(folder, 'is not a signing key of the form PRIVATE+KEY+name+id+seed');
  }
  const privateKey = privateKeyOf(bytes.subarray(1));
  const raw = publicBytes(privateKey);
  if (keyIdOf(name, raw) !== keyId)
    throw malformed(folder, 'holds a key that does not belong to its name and id');
  return {
    origin: name,
    name,
    keyId,
    vkey: formatVkey(name, raw),
    sign: (bytesToSign) => sign(null, bytesToSign, privateKey),
  };
}

function malformed(folder: KeyFolder, problem: string): KeyProblem {
  return new KeyProblem({
    field: join(folder.path, 'ledger.key'),
    problem,
    mend: 'Restore the file from your backup of the keys: a new key starts a new log, which earlier checkpoints do not vouch for.',
  });
}

/** The log is named once, by nothing that may change later (no host name, no address). */
function makeLedgerKey(): string {
  const seed = randomBytes(KEY_BYTES);
  const name = `countersign/${createHash('sha256').update(newId()).digest('hex').slice(0, 16)}`;
  const id = keyIdOf(name, publicBytes(privateKeyOf(seed)));
  return `PRIVATE+KEY+${name}+${id}+${Buffer.concat([ED25519, seed]).toString('base64')}`;
}

function privateKeyOf(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

function publicBytes(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES);
}
