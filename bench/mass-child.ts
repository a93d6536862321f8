/** A worker of the product for the mass bench: what it takes is told when asked for. */
import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createApp } from '../src/create-app.ts';
import { expectOk } from '../src/kernel/result.ts';
import { parseConfig } from '../src/platform/config/config.ts';

/** What one worker process took since the last question. */
export interface WorkerUse {
  /** Milliseconds of CPU, all its threads together. */
  cpu: number;
  /** Megabytes at their peak. */
  peakMb: number;
  /** Megabytes that live after a full collection, now. */
  liveMb: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const app = await createApp({
  config: expectOk(parseConfig(process.env), 'the configuration'),
  duties: { serves: false, works: true },
  logTo: process.stderr,
});
await app.listen(0, '127.0.0.1');

let peak = 0;
setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50).unref();
let cpu = process.cpuUsage();
process.on('message', (asked: 'live' | 'use' | 'stop') => {
  if (asked === 'stop') {
    void app.close().then(() => process.exit());
    return;
  }
  const used = process.cpuUsage(cpu);
  collect();
  const { heapUsed, external } = process.memoryUsage();
  const use: WorkerUse = {
    cpu: (used.user + used.system) / 1e3,
    peakMb: peak / 1024 / 1024,
    liveMb: (heapUsed + external) / 1024 / 1024,
  };
  // A look in the middle leaves the clock and the peak running.
  if (asked === 'use') {
    cpu = process.cpuUsage();
    peak = 0;
  }
  process.send!(use);
});
process.on('disconnect', () => process.exit());
process.send!('ready');
