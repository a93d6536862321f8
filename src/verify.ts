#!/usr/bin/env node
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { parseCheckpoint, parseNote, parseVkey, splitNotes, type Verifier } from './kernel/checkpoint.ts';
import { checkLedger } from './kernel/ledger-check.ts';
import { readLine, type ReadLine } from './kernel/ledger-file.ts';
import type { LedgerRecord, LedgerSource } from './kernel/ledger-source.ts';
import { describeVerdict } from './kernel/ledger-words.ts';

/**
 * The auditor's verifier: checks an exported ledger with a key and checkpoints that the auditor holds, and with nothing of
 * the server's. It shares only the kernel with the application: no database, no configuration, no network.
 */
const USAGE = `Usage: verify LEDGER --vkey KEY [--checkpoint FILE]... [--without-details] [--json]

  LEDGER             a file written by \`countersign ledger export\`
  --vkey KEY         the log's verifier key, name+id+key, from a source that you trust
  --checkpoint FILE  checkpoints that you kept yourself: from notices, or the folder of copies
  --without-details  the file was exported without the committed texts
  --json             print one JSON object

Status 0: sound, and vouched for by at least one checkpoint. 1: not so. 2: could not be checked.
`;

const PAGE = 5000;

class FileLedger implements LedgerSource {
  constructor(
    private readonly path: string,
    private readonly withDetails: boolean,
  ) {}

  async *entries(): AsyncGenerator<LedgerRecord[]> {
    let page: LedgerRecord[] = [];
    for await (const line of this.#lines(() => true)) {
      if ('record' in line) page.push(line.record);
      if (page.length < PAGE) continue;
      yield page;
      page = [];
    }
    yield page;
  }

  async *checkpoints(): AsyncGenerator<string> {
    for await (const line of this.#lines((text) => text.startsWith('{"checkpoint":'))) {
      if ('checkpoint' in line) yield line.checkpoint;
    }
  }

  async *#lines(wanted: (text: string) => boolean): AsyncGenerator<ReadLine> {
    let number = 0;
    const input = createReadStream(this.path, { encoding: 'utf8', highWaterMark: 1 << 20 });
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      number++;
      if (text === '' || !wanted(text)) continue;
      try {
        yield readLine(text, this.withDetails);
      } catch (thrown) {
        throw new Error(`${this.path}, line ${number}: ${(thrown as Error).message}`, { cause: thrown });
      }
    }
  }
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      vkey: { type: 'string', multiple: true },
      checkpoint: { type: 'string', multiple: true, default: [] },
      'without-details': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (file === undefined || more.length > 0 || !values.vkey)
    throw new Error(`a ledger file and a key are needed\n\n${USAGE}`);
  const verifiers = values.vkey.map(verifierOf);
  const outside = (await Promise.all(values.checkpoint.map((path) => readFile(path, 'utf8')))).flatMap(
    splitNotes,
  );
  outside.sort((a, b) => sizeOf(a) - sizeOf(b));
  const source = new FileLedger(file, !values['without-details']);
  const verdict = await checkLedger({ source, outside, verifiers });
  const vouched = verdict.entries === 0 || verdict.checkpoints.covers > 0;
  process.stdout.write(
    values.json ? `${JSON.stringify({ ...verdict, vouched })}\n` : describeVerdict(verdict),
  );
  if (!vouched) process.stderr.write('No checkpoint vouches for any entry of this file.\n');
  return verdict.sound && vouched ? 0 : 1;
}

function verifierOf(vkey: string): Verifier {
  const parsed = parseVkey(vkey);
  if (!parsed.ok) throw new Error(`--vkey: ${parsed.error}`);
  return parsed.value;
}

/** Ill-formed ones come first, and are reported as such. */
function sizeOf(note: string): number {
  const parsed = parseNote(note);
  const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  return checkpoint.ok ? checkpoint.value.size : -1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  process.stderr.write(`verify: ${(thrown as Error).message}\n`);
  process.exitCode = 2;
}
