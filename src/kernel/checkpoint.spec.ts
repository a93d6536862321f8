import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  formatCheckpoint,
  formatVkey,
  joinNotes,
  keyIdOf,
  openCheckpoint,
  openNote,
  parseCheckpoint,
  parseNote,
  parseVkey,
  signNote,
  splitNotes,
  type NoteSigner,
} from './checkpoint.ts';
import { EMPTY_ROOT, leafHash } from './merkle.ts';
import { expectOk } from './result.ts';

// The worked examples of C2SP signed-note and of golang.org/x/mod/sumdb/note.
const SPEC_VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const SPEC_NOTE =
  'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
const GO_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const GO_TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_NOTE = `${GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
const spec = expectOk(parseVkey(SPEC_VKEY));
const go = expectOk(parseVkey(GO_VKEY));

describe('signed notes', () => {
  test('published examples open, and only with their own key', () => {
    expect(openNote(SPEC_NOTE, [spec])).toEqual({ ok: true, value: 'This is an example message.\n' });
    expect(openNote(GO_NOTE, [spec, go])).toEqual({ ok: true, value: GO_TEXT });
    expect(openNote(GO_NOTE, [spec])).toMatchObject({ ok: false, error: 'not signed by a known key' });
    expect(openNote(SPEC_NOTE.replace('example message', 'exemple message'), [spec])).toMatchObject({
      ok: false,
    });
  });

  test('a vkey is written as it was read', () => {
    for (const vkey of [SPEC_VKEY, GO_VKEY]) {
      const { name, key } = expectOk(parseVkey(vkey));
      expect(formatVkey(name, rawOf(key.export({ format: 'der', type: 'spki' })))).toBe(vkey);
    }
  });

  test.each([
    ['', 'form'],
    ['example.com/foo+530d903a', 'form'],
    ['exa mple+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k', 'form'],
    ['example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k', 'key id'],
    ['example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k', 'Ed25519'],
    ['example.com/foo+530d903a+Aeky', 'Ed25519'],
  ])('vkey %j is refused', (vkey, why) => {
    const parsed = parseVkey(vkey);
    expect(parsed.ok ? '' : parsed.error).toContain(why);
  });

  test('unknown signatures are ignored; a bad one of a known key refuses the note', () => {
    const mine = newSigner('log.example');
    const both = SPEC_NOTE + signNote('This is an example message.\n', mine.signer).split('\n\n')[1];
    expect(openNote(both, [spec])).toMatchObject({ ok: true });
    expect(openNote(both, [mine.verifier])).toMatchObject({ ok: true });
    expect(openNote(both, [spec, mine.verifier])).toMatchObject({ ok: true });
    const forged = SPEC_NOTE + signNote('Something else.\n', mine.signer).split('\n\n')[1];
    expect(openNote(forged, [spec])).toMatchObject({ ok: true });
    expect(openNote(forged, [spec, mine.verifier])).toMatchObject({ ok: false });
  });

  test('the last blank line separates; sixteen signatures are taken', () => {
    const { signer, verifier } = newSigner('log.example');
    const text = 'one\n\ntwo\n';
    const note = signNote(text, signer);
    expect(openNote(note, [verifier])).toEqual({ ok: true, value: text });
    const line = note.slice(text.length + 1);
    expect(openNote(text + '\n' + line.repeat(16), [verifier])).toMatchObject({ ok: true });
  });

  test('ill-formed notes are refused, never thrown at', () => {
    const bad = [
      '',
      '\n',
      'text',
      'text\n',
      'text\n\n',
      'text\n\n— a\n',
      'text\n\n- a AAAAAAA=\n',
      'te\txt\n\n— a AAAAAAA=\n',
    ];
    for (const note of [...bad, SPEC_NOTE.slice(0, -1), SPEC_NOTE + '\n', `\ud800${SPEC_NOTE}`]) {
      expect(parseNote(note).ok).toBe(false);
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !openNote(text, [spec]).ok));
    expect(() => signNote('no newline', newSigner('a').signer)).toThrow(RangeError);
  });
});

describe('checkpoints', () => {
  test('are written and read the same, and open only under their own origin', () => {
    const { signer, verifier } = newSigner('countersign/test');
    fc.assert(
      fc.property(fc.maxSafeInteger().map(Math.abs), fc.string(), (size, seed) => {
        const checkpoint = { origin: 'countersign/test', size, root: leafHash(seed) };
        const text = formatCheckpoint(checkpoint);
        expect(parseCheckpoint(text)).toEqual({ ok: true, value: checkpoint });
        expect(openCheckpoint(signNote(text, signer), [verifier])).toEqual({ ok: true, value: checkpoint });
      }),
      { numRuns: 30 },
    );
    const foreign = signNote(formatCheckpoint({ origin: 'other', size: 0, root: EMPTY_ROOT }), signer);
    expect(openCheckpoint(foreign, [verifier])).toMatchObject({ ok: false });
  });

  test('extension lines are allowed', () => {
    const text = formatCheckpoint({ origin: 'o', size: 7, root: EMPTY_ROOT });
    expect(parseCheckpoint(`${text}more\n`)).toMatchObject({ ok: true, value: { size: 7 } });
    expect(parseCheckpoint(`${text}\n`)).toMatchObject({ ok: false });
  });

  test.each([
    '',
    'o\n',
    'o\n1\n',
    'o\n01\nAA==\n',
    'o\n-1\nAA==\n',
    'o\n1\nAA==\n',
    'o\n99999999999999999999\nAA==\n',
    '\n1\nAA==\n',
  ])('%j is none', (text) => expect(parseCheckpoint(text).ok).toBe(false));

  test('several notes in one file come apart again', () => {
    const { signer, verifier } = newSigner('o');
    const notes = [0, 1, 2].map((size) =>
      signNote(formatCheckpoint({ origin: 'o', size, root: EMPTY_ROOT }), signer),
    );
    notes.push(signNote('a note\n\nwith a blank line\n', signer), notes[0] + notes[0]!.split('\n\n')[1]!);
    const apart = splitNotes(joinNotes(notes));
    expect(apart).toEqual(notes);
    for (const note of apart) expect(openNote(note, [verifier])).toMatchObject({ ok: true });
    expect(splitNotes('')).toEqual([]);
  });
});

function newSigner(name: string): {
  signer: NoteSigner;
  verifier: ReturnType<typeof expectOk<typeof spec, string>>;
} {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = rawOf(publicKey.export({ format: 'der', type: 'spki' }));
  return {
    signer: { name, keyId: keyIdOf(name, raw), sign: (text) => sign(null, text, privateKey) },
    verifier: expectOk(parseVkey(formatVkey(name, raw))),
  };
}

function rawOf(spki: Buffer): Buffer {
  return spki.subarray(12);
}
