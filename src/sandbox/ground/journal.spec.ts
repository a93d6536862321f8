import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { array, assert, asyncProperty, string } from 'fast-check';
import { Journal } from './journal.ts';
import { Sealing, randomText } from './sealing.ts';

interface Line {
  n: number;
  text?: string;
}

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'journal-'));
  file = join(dir, 'deep', 'book.jsonl');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function reopened(): Promise<{ journal: Journal<Line>; lines: Line[] }> {
  const lines: Line[] = [];
  const journal = await Journal.open<Line>(file, { replay: (line) => void lines.push(line) });
  return { journal, lines };
}

describe('an append-only journal', () => {
  test('replays everything that was confirmed, in the order in which it was appended', async () => {
    await assert(
      asyncProperty(array(array(string(), { maxLength: 4 }), { maxLength: 20 }), async (batches) => {
        await rm(join(dir, 'deep'), { recursive: true, force: true });
        const { journal } = await reopened();
        let n = 0;
        const all = batches.map((batch) => batch.map((text) => ({ n: (n += 1), text })));
        await Promise.all(all.map((batch) => journal.append(batch)));
        await journal.close();
        const again = await reopened();
        await again.journal.close();
        expect(again.lines).toEqual(all.flat());
      }),
      { numRuns: 25 },
    );
  });

  test('cuts off a last line that a crash left unfinished, and goes on after it', async () => {
    const first = await reopened();
    await first.journal.append([{ n: 1 }, { n: 2 }]);
    await first.journal.close();
    await appendFile(file, '{"n":3,"te');

    const second = await reopened();
    expect(second.lines).toEqual([{ n: 1 }, { n: 2 }]);
    await second.journal.append({ n: 4 });
    await second.journal.close();
    expect(await readFile(file, 'utf8')).toBe('{"n":1}\n{"n":2}\n{"n":4}\n');
  });

  test('names the line when a whole line is damaged', async () => {
    const first = await reopened();
    await first.journal.append({ n: 1 });
    await first.journal.close();
    await appendFile(file, 'oops\n{"n":3}\n');
    await expect(reopened()).rejects.toThrow(/line 2 is not JSON/);
  });

  test('reads lines longer than what it reads at once', async () => {
    const first = await reopened();
    const text = 'é'.repeat(1_500_000);
    await first.journal.append({ n: 1, text });
    await first.journal.close();
    const second = await reopened();
    await second.journal.close();
    expect(second.lines[0]?.text).toBe(text);
  });

  test('refuses what would make it larger than its limit', async () => {
    const journal = await Journal.open<Line>(file, { replay: () => undefined, maxBytes: 20 });
    await journal.append({ n: 1 });
    await expect(journal.append({ n: 2, text: 'far too much' })).rejects.toThrow(/limit of 20 bytes/);
    await journal.append({ n: 2 });
    await journal.close();
    await expect(journal.append({ n: 3 })).rejects.toThrow(/closed/);
    expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(3);
  });
});

describe('sealing', () => {
  test('gives back the text, with the key of the folder and no other', async () => {
    const here = await Sealing.open(join(dir, 'vault.key'));
    const again = await Sealing.open(join(dir, 'vault.key'));
    const elsewhere = await Sealing.open(join(dir, 'other', 'vault.key'));
    const text = randomText(40);
    const sealed = here.seal(text);
    expect(sealed).not.toContain(text);
    expect(again.unseal(sealed)).toBe(text);
    expect(() => elsewhere.unseal(sealed)).toThrow();
    expect(here.seal(text)).not.toBe(sealed);
  });
});
