import { parentPort, workerData } from 'node:worker_threads';
import { readJsonDocument, readYamlDocument } from './read-document.rules.ts';

/**
 * The thread in which whole documents are parsed. Takes `{ bytes, format }`, answers `{ head }` once and then, each time
 * it is asked, `{ rows }` until an empty list: the other side decides how fast it takes them.
 */
const BATCH = 500;

const { bytes, format } = workerData as { bytes: Uint8Array; format: 'json' | 'yaml' };
const { rows, ...head } = format === 'json' ? readJsonDocument(bytes) : readYamlDocument(bytes);
let sent = 0;
parentPort?.postMessage({ head });
parentPort?.on('message', () => {
  const batch = rows.slice(sent, sent + BATCH);
  sent += batch.length;
  parentPort?.postMessage({ rows: batch });
  if (batch.length === 0) parentPort?.close();
});
