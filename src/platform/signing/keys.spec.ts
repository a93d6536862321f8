import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatCheckpoint, openCheckpoint, parseVkey, signNote } from '../../kernel/checkpoint.ts';
import { EMPTY_ROOT } from '../../kernel/merkle.ts';
import { expectOk } from '../../kernel/result.ts';
import { KeyFolder, KeyProblem } from './key-file.ts';
import { Keys, type KeyConfig } from './keys.ts';

let data: string;
const open = (more: Partial<KeyConfig> = {}) => Keys.open({ dataFolder: data, ...more });
const file = (name: string) => join(data, 'keys', name);
const write = (name: string, text: string, mode = 0o600) => {
  mkdirSync(join(data, 'keys'), { recursive: true });
  writeFileSync(file(name), text);
  chmodSync(file(name), mode);
};

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'cs keys-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

describe('keys on disk', () => {
  test('are made once, for us alone, and are the same afterwards', () => {
    const first = open();
    expect(readdirSync(join(data, 'keys')).sort()).toEqual([
      'kek-1.key',
      'ledger.key',
      'link.key',
      'pepper-1.key',
      'session.key',
    ]);
    expect(statSync(join(data, 'keys')).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(data, 'keys'))) expect(statSync(file(name)).mode & 0o777).toBe(0o600);

    const again = open();
    expect(again.signer().vkey).toBe(first.signer().vkey);
    expect(reveal(again)).toEqual(reveal(first));
    expect(new Set(reveal(first)).size).toBe(4);
  });

  test('the ledger key signs checkpoints that its vkey opens', () => {
    const signer = open().signer();
    const text = formatCheckpoint({ origin: signer.origin, size: 0, root: EMPTY_ROOT });
    expect(openCheckpoint(signNote(text, signer), [expectOk(parseVkey(signer.vkey))])).toMatchObject({
      ok: true,
    });
  });

  test('a published signing key is read as other tools write it', () => {
    // The example of golang.org/x/mod/sumdb/note.
    write('ledger.key', 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n');
    const text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    expect(open().signer().vkey).toBe('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    expect(signNote(text, open().signer())).toBe(
      `${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`,
    );
  });

  test('a higher number makes a key current, and the others stay', () => {
    open();
    const old = open().peppers()[0]!;
    for (const n of [2, 10]) write(`pepper-${n}.key`, Buffer.alloc(32, n).toString('base64'));
    const peppers = open().peppers();
    expect(peppers.map(({ key }) => key.useBytes((bytes) => bytes[0]))).toEqual([
      10,
      2,
      old.key.useBytes((b) => b[0]),
    ]);
    expect(peppers[2]!.id).toBe(old.id);
    expect(new Set(peppers.map(({ id }) => id)).size).toBe(3);
  });

  test('two processes that start at once agree', () => {
    const folder = new KeyFolder(join(data, 'keys'));
    folder.prepare();
    const theirs = 'theirs';
    // The other process finishes while we make ours.
    const kept = folder.readOrCreate('link.key', () => {
      write('link.key', theirs);
      return 'ours';
    });
    expect(kept).toBe(theirs);
    expect(readdirSync(join(data, 'keys'))).toEqual(['link.key']);
  });
});

describe('keys from the configuration', () => {
  test('come before those on disk, and no file is made for them', () => {
    const kek = Buffer.alloc(32, 7).toString('base64');
    const keys = open({ pepper: 'p'.repeat(40), kek, sessionSecret: 's'.repeat(40) });
    expect(readdirSync(join(data, 'keys')).sort()).toEqual(['ledger.key', 'link.key']);
    expect(keys.peppers()[0]!.key.use((text) => text)).toBe('p'.repeat(40));
    expect(keys.keks()[0]!.key.useBytes((bytes) => bytes.toString('base64'))).toBe(kek);
    expect(keys.sessionSecret().use((text) => text)).toBe('s'.repeat(40));
  });

  test('a key that moves from a file to the configuration keeps its id and counts once', () => {
    const before = open().keks();
    const text = readFileSync(file('kek-1.key'), 'utf8').trim();
    expect(
      open({ kek: text })
        .keks()
        .map(({ id }) => id),
    ).toEqual(before.map(({ id }) => id));
  });

  test.each(['', 'short', Buffer.alloc(31).toString('base64'), `${Buffer.alloc(32).toString('base64')}!`])(
    'KEK %j is refused',
    (kek) => {
      expect(problemOf(() => open({ kek }))).toMatchObject({
        field: 'COUNTERSIGN_KEK',
        mend: expect.stringContaining('openssl'),
      });
    },
  );
});

describe('what cannot be used is refused with its mend', () => {
  test.each([0o644, 0o640, 0o604, 0o660])('a file that others may reach (%o)', (mode) => {
    open();
    chmodSync(file('kek-1.key'), mode);
    expect(problemOf(open)).toMatchObject({
      field: file('kek-1.key'),
      mend: expect.stringContaining('chmod 600'),
    });
  });

  test.each([
    ['link.key', ''],
    ['pepper-1.key', 'no base64 at all!'],
    ['kek-1.key', Buffer.alloc(16).toString('base64')],
    ['ledger.key', ''],
    ['ledger.key', 'PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'],
    ['ledger.key', 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXH'],
  ])('a malformed %s (%j)', (name, text) => {
    write(name, text);
    const problem = problemOf(open);
    expect(problem.field).toBe(file(name));
    expect(problem.mend).toContain('backup');
    if (text.length > 10) expect(`${problem.problem} ${problem.mend}`).not.toContain(text.slice(-10));
  });

  test('a data folder that is a file', () => {
    writeFileSync(join(data, 'file'), '');
    expect(problemOf(() => open({ dataFolder: join(data, 'file') }))).toMatchObject({
      problem: expect.stringContaining('cannot be made'),
      mend: expect.stringContaining('COUNTERSIGN_DATA'),
    });
  });

  test('a place where nobody may write', () => {
    expect(problemOf(() => open({ dataFolder: '/proc/countersign' }))).toMatchObject({
      field: '/proc/countersign/keys',
      mend: expect.stringContaining('COUNTERSIGN_DATA'),
    });
  });

  test('a folder in the place of a key file', () => {
    mkdirSync(file('link.key'), { recursive: true });
    expect(problemOf(open)).toMatchObject({ field: file('link.key') });
  });
});

test('nothing prints a key', () => {
  const keys = open();
  const printed =
    inspect(keys, { depth: 9, showHidden: true }) +
    JSON.stringify(keys) +
    inspect(keys.keks()) +
    JSON.stringify(keys.signer());
  for (const name of readdirSync(join(data, 'keys'))) {
    const text = readFileSync(file(name), 'utf8').trim();
    expect(printed).not.toContain(text.split('+').at(-1)!.slice(0, 20));
    expect(printed).not.toContain(Buffer.from(text, 'base64').toString('hex').slice(0, 20));
  }
});

function problemOf(act: () => unknown): KeyProblem['problem'] {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof KeyProblem) return thrown.problem;
    throw thrown;
  }
  throw new Error('nothing was refused');
}

function reveal(keys: Keys): string[] {
  return [keys.linkKey(), keys.sessionSecret(), keys.peppers()[0]!.key, keys.keks()[0]!.key].map((key) =>
    key.useBytes((bytes) => bytes.toString('hex')),
  );
}

describe('a new key-encryption key', () => {
  test('is current at once, also for who opened the folder before; the old ones still unwrap', () => {
    const [server, command] = [open(), open()];
    const [first] = server.keks();
    const made = command.makeKek();
    expect(made.where).toBe(file('kek-2.key'));
    expect(statSync(made.where).mode & 0o777).toBe(0o600);
    for (const keys of [server, command, open()])
      expect(keys.keks().map(({ id }) => id)).toEqual([made.id, first?.id]);
    expect(command.makeKek().where).toBe(file('kek-3.key'));
    rmSync(file('kek-1.key'));
    expect(server.keks()).toHaveLength(2);
  });

  test('is not ours to make where the environment gives it; a file beside it still unwraps', () => {
    const before = open().keks();
    const keys = open({ kek: Buffer.alloc(32, 7).toString('base64') });
    expect(() => keys.makeKek()).toThrow(/COUNTERSIGN_KEK.*openssl rand -base64 32/);
    expect(keys.keks()).toHaveLength(2);
    expect(keys.keks()[0]?.where).toBe('COUNTERSIGN_KEK');
    expect(keys.keks()[1]?.id).toBe(before[0]?.id);
  });

  test('a file that nobody can use takes no key from a process that runs, and is named at the next start', () => {
    const server = open();
    const before = server.keks().map(({ id }) => id);
    write('kek-9.key', 'not a key');
    expect(server.keks().map(({ id }) => id)).toEqual(before);
    expect(() => open()).toThrow(/kek-9\.key/);
  });
});
