import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { Secret } from '../../kernel/secret.ts';
import { readJsonDocument, readYamlDocument } from './read-document.rules.ts';
import { readCsv, readJsonLines, type Batch } from './read-lines.ts';
import type { StagedBatch, ThreadData } from './read-portfolio.ts';
import { stage } from './stage.rules.ts';

/**
 * The thread in which a file is read and its rows are judged. Sends one batch, and the next each time it is told `next`;
 * then `end`. The SHA-256 of a value does not leave it: what goes on is keyed.
 */
const data = workerData as ThreadData;
const peppers = data.peppers.map(({ id, key }) => ({ id, key: Secret.ofBytes(Buffer.from(key)) }));
const ROWS = 400;

async function* batches(): AsyncGenerator<Batch & { source?: string | null }> {
  const kind = data.kind ?? undefined;
  if (data.format === 'csv') return yield* readCsv(data.file, kind);
  if (data.format === 'jsonl') return yield* readJsonLines(data.file, kind);
  const bytes = readFileSync(data.file);
  const { rows, problems, source } =
    data.format === 'json' ? readJsonDocument(bytes) : readYamlDocument(bytes);
  yield { rows: [], problems, source, bytes: 0 };
  for (let from = 0; from < rows.length; from += ROWS) {
    const part = rows.slice(from, from + ROWS);
    yield {
      rows: part,
      problems: [],
      bytes: Math.round((bytes.length * (from + part.length)) / rows.length),
    };
  }
}

const port = parentPort;
if (!port) throw new Error('this file is a thread of readPortfolio');
let asked = 1; // the first batch is wanted at once
let wake: () => void = () => {};
port.on('message', () => {
  asked++;
  wake();
});
const said = new Map<string, Set<string>>();
for await (const { rows, bytes, problems, source = null } of batches()) {
  if (rows.length === 0 && problems.length === 0 && source === null) continue;
  if (asked === 0) await new Promise<void>((resolve) => (wake = resolve));
  asked--;
  const found = new Map<string, Set<string>>();
  const { text, bad, suspects } = stage(rows, data.runId, peppers, found);
  const fields: StagedBatch['fields'] = [];
  for (const [kind, names] of found) {
    const known = said.get(kind);
    const fresh = [...names].filter((name) => !known?.has(name));
    if (known && fresh.length === 0) continue;
    said.set(kind, new Set([...(known ?? []), ...names]));
    fields.push({ kind, names: fresh });
  }
  port.postMessage({
    text,
    rows: rows.length,
    bytes,
    fields,
    bad,
    suspects,
    problems,
    source,
  } satisfies StagedBatch);
}
port.postMessage('end');
port.close();
