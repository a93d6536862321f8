import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { formatCheckpoint, formatVkey, keyIdOf, parseVkey, signNote, type NoteSigner } from './checkpoint.ts';
import { newId } from './ids.ts';
import { checkLedger, type LedgerVerdict } from './ledger-check.ts';
import { entryText } from './ledger-entry.ts';
import { recordLine, readLine } from './ledger-file.ts';
import type { LedgerRecord, LedgerSource } from './ledger-source.ts';
import { describeVerdict } from './ledger-words.ts';
import { leafHash, rootOf, type Hash } from './merkle.ts';
import { expectOk } from './result.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
const NAME = 'countersign/test';
const signer: NoteSigner = {
  name: NAME,
  keyId: keyIdOf(NAME, raw),
  sign: (text) => sign(null, text, privateKey),
};
const verifiers = [expectOk(parseVkey(formatVkey(NAME, raw)))];

function record(seq: number): LedgerRecord {
  const by = { kind: 'system', id: 'test', party: null, correlation: 'c' };
  const subject = { kind: 'credential', id: newId() };
  const body = entryText({
    v: 1,
    id: newId(),
    kind: 'credential.added',
    subject,
    at: seq,
    by,
    facts: {},
    committed: {},
  });
  return { seq, body, where: `row ${seq}`, sequenced: leafHash(body), details: new Map() };
}

function ledgerOf(count: number): LedgerRecord[] {
  return Array.from({ length: count }, (_, seq) => record(seq));
}

function noteAt(records: readonly LedgerRecord[], size: number): string {
  const root = rootOf(records.slice(0, size).map(({ body }) => leafHash(body!)));
  return signNote(formatCheckpoint({ origin: NAME, size, root }), signer);
}

function check(
  records: readonly LedgerRecord[],
  stored: readonly string[],
  outside: readonly string[] = [],
  head?: { size: number; root: Hash },
): Promise<LedgerVerdict> {
  const source: LedgerSource = {
    async *entries() {
      for (let from = 0; from < records.length; from += 3)
        yield await Promise.resolve(records.slice(from, from + 3));
    },
    async *checkpoints() {
      yield* await Promise.resolve(stored);
    },
    ...(head ? { head: () => Promise.resolve(head) } : {}),
  };
  return checkLedger({ source, outside, verifiers });
}

describe('a whole ledger', () => {
  test('is sound when nobody touched it, wherever its checkpoints are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 20 }), fc.array(fc.nat(20)), async (count, sizes) => {
        const records = ledgerOf(count);
        const notes = sizes
          .filter((size) => size <= count)
          .toSorted((a, b) => a - b)
          .map((size) => noteAt(records, size));
        const verdict = await check(records, notes, notes);
        expect(verdict).toMatchObject({
          sound: true,
          entries: count,
          faultCount: 0,
          root: rootOf(records.map(({ sequenced }) => sequenced!)),
        });
        expect(verdict.checkpoints).toEqual({
          stored: notes.length,
          outside: notes.length,
          covers: Math.max(0, ...sizes.filter((size) => size <= count)),
        });
      }),
      { numRuns: 40 },
    );
  });

  test('any one change under a checkpoint is found, and lies where the verdict says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 20 }),
        fc.nat(),
        fc.nat(),
        tampering,
        async (count, pick, cut, tamper) => {
          const records = ledgerOf(count);
          const middle = 1 + (cut % count);
          const notes = [noteAt(records, middle), ...(middle < count ? [noteAt(records, count)] : [])];
          const place = pick % count;
          const { first, sound } = await check(tamper(records, place), notes);
          expect(sound).toBe(false);
          expect(first!.seq).toBeLessThanOrEqual(place);
          expect(first!.to ?? first!.seq!).toBeGreaterThanOrEqual(Math.min(place, first!.seq!));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('an entry in the wrong words is told from one with the wrong bytes', async () => {
    const records = ledgerOf(3);
    const odd = '{"b":1,"a":2}';
    const withOdd = records.with(1, { ...records[1]!, body: odd, sequenced: leafHash(odd) });
    expect((await check(withOdd, [noteAt(withOdd, 3)])).first).toMatchObject({ what: 'ill-formed', seq: 1 });
  });

  test('checkpoints that go backwards, or that nobody signed, are faults', async () => {
    const records = ledgerOf(4);
    expect((await check(records, [noteAt(records, 3), noteAt(records, 2)])).first).toMatchObject({
      what: 'checkpoint',
    });
    expect((await check(records, ['nonsense'])).first).toMatchObject({ what: 'checkpoint', seq: null });
    const forged = noteAt(records, 4).replace('\n4\n', '\n3\n');
    expect((await check(records, [], [forged])).first).toMatchObject({ what: 'checkpoint', seq: 2 });
    expect((await check(records, [], [], { size: 3, root: 'x' })).first).toMatchObject({
      what: 'head',
      seq: 3,
    });
  });

  test('the words for people begin with the first bad entry', async () => {
    const records = ledgerOf(4);
    const verdict = await check(records.toSpliced(1, 1), [noteAt(records, 4)]);
    expect(describeVerdict(verdict).split('\n').slice(0, 2)).toEqual([
      'The ledger is NOT sound: 1 fault.',
      'First: nothing stands at place 1.',
    ]);
    expect(describeVerdict(await check(records, [noteAt(records, 3)]))).toContain(
      'they vouch for the first 3',
    );
  });
});

test('a record survives the file that it is exported to', () => {
  const details = new Map([
    ['name', { salt: Buffer.from('00ff', 'hex'), text: 'Ä\n"' }],
    ['note', { erased: { at: 5, by: 'u', basis: 'b' } }],
  ]);
  const one = { ...record(7), seq: 7, details };
  expect(readLine(recordLine(one), true)).toEqual({ record: one });
  const { details: _, ...bare } = one;
  expect(readLine(recordLine(one), false)).toEqual({ record: bare });
  for (const bad of ['', '{', 'null', '{"seq":-1.5,"body":""}', '{"file":"other"}'])
    expect(() => readLine(bad, true)).toThrow();
});

const tampering: fc.Arbitrary<(records: LedgerRecord[], place: number) => LedgerRecord[]> = fc.constantFrom(
  (records: LedgerRecord[], place: number) =>
    records.with(place, { ...records[place]!, body: `${records[place]!.body} ` }),
  (records: LedgerRecord[], place: number) => records.with(place, record(place)),
  (records: LedgerRecord[], place: number) => records.with(place, { ...records[place]!, body: null }),
  (records: LedgerRecord[], place: number) => records.toSpliced(place, 1),
  (records: LedgerRecord[], place: number) =>
    records.toSpliced(place, 1).map((one, seq) => ({ ...one, seq })),
  (records: LedgerRecord[], place: number) =>
    records.toSpliced(place, 0, record(place)).map((one, seq) => ({ ...one, seq })),
  (records: LedgerRecord[], place: number) => records.slice(0, place),
);
