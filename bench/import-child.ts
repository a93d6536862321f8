/** Imports one file as the command line does, and says how long it took and how much memory the process ever had. */
import 'reflect-metadata';
import { createApp } from '../src/create-app.ts';
import { formatOf } from '../src/domain/portfolio/import.schema.ts';
import { ImportsService } from '../src/domain/portfolio/imports.service.ts';
import { system } from '../src/kernel/principal.ts';
import { expectOk } from '../src/kernel/result.ts';
import { parseConfig } from '../src/platform/config/config.ts';

export interface ImportedBy {
  seconds: number;
  rows: number;
  maxRssMb: number;
}

const [file = '', source = ''] = process.argv.slice(2);
const config = expectOk(parseConfig(process.env), 'the configuration');
const app = await createApp({
  config: { ...config, logLevel: 'warn' },
  duties: { serves: false, works: false },
  logTo: process.stderr,
});
const started = performance.now();
const { job, problems } = expectOk(
  await app
    .get(ImportsService)
    .runFile(
      file,
      { source, format: formatOf(file) ?? 'jsonl', kind: null, fileName: '', dryRun: false, partial: false },
      system('bench', 'bench'),
      () => {},
    ),
);
const seconds = (performance.now() - started) / 1000;
if (job.state !== 'done')
  throw new Error(
    `the import ended ${job.state}: ${JSON.stringify(problems.slice(0, 3))} ${job.failure ?? ''}`,
  );
const outcome: ImportedBy = { seconds, rows: job.rowsRead, maxRssMb: process.resourceUsage().maxRSS / 1024 };
await app.close();
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit();
