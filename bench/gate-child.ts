/** Looks at every integration again, as the sweep does, and says how long it took and how much memory the process ever had. */
import 'reflect-metadata';
import { createApp } from '../src/create-app.ts';
import { GateService } from '../src/domain/policy/gate.service.ts';
import { system } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { parseConfig } from '../src/platform/config/config.ts';

export interface LookedAt {
  seconds: number;
  integrations: number;
  maxRssMb: number;
  /** Living memory after the first batch, and after the last. */
  liveMb: [number, number];
  /** How often it said how far it was. */
  told: number;
}

const config = expectOk(parseConfig(process.env), 'the configuration');
const app = await createApp({
  config: { ...config, logLevel: 'warn' },
  duties: { serves: false, works: false },
  logTo: process.stderr,
});
let told = 0;
/** What lives after a full collection: what the process keeps, without what V8 has not swept yet. */
const liveMb = () => {
  (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
};
let liveAtFirst = 0;
const started = performance.now();
const integrations = await app.get(GateService).reEvaluateAll(system('bench', 'bench'), () => {
  if (told === 0) liveAtFirst = liveMb();
  told += 1;
});
const seconds = (performance.now() - started) / 1000;
const outcome: LookedAt = {
  seconds,
  integrations,
  maxRssMb: process.resourceUsage().maxRSS / 1024,
  liveMb: [liveAtFirst, liveMb()],
  told,
};
await app.close();
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit();
