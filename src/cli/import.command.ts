import {
  formatOf,
  FORMATS,
  importQuerySchema,
  type Format,
  type ImportView,
  type ProblemView,
} from '../domain/portfolio/import.schema.ts';
import { ImportsService } from '../domain/portfolio/imports.service.ts';
import type { Progress } from '../domain/portfolio/importer.ts';
import { Refused, refusal } from '../kernel/errors.ts';
import { accepted, print, withApp, type AddCommand } from './command.ts';

interface Options {
  dryRun?: boolean;
  partial?: boolean;
  format?: string;
  kind?: string;
  source?: string;
  json?: boolean;
}

export const addImport: AddCommand = (program) => {
  program
    .command('import')
    .description('bring a portfolio of parties, integrations and credentials in from a file')
    .argument('<file>', 'JSON, YAML, CSV or JSON Lines; see templates/portfolio')
    .option('--dry-run', 'do everything but commit')
    .option('--partial', 'take the good rows of a file with bad ones')
    .option('--format <format>', `${FORMATS.join(', ')}; by default what the name of the file says`)
    .option(
      '--kind <kind>',
      'for CSV and JSON Lines without a column or member kind: the kind of every row, like party',
    )
    .option('--source <name>', 'whose keys the file uses; a document may name its own')
    .option('--json', 'print the outcome as one JSON object')
    .action(async (file: string, options: Options) => {
      const input = importQuerySchema.safeParse({
        ...(options.format === undefined ? {} : { format: options.format }),
        ...(options.kind === undefined ? {} : { kind: options.kind }),
        ...(options.source === undefined ? {} : { source: options.source }),
      });
      if (!input.success) {
        const fields = input.error.issues.map((issue) => ({
          field: `--${String(issue.path[0])}`,
          problem: issue.message,
          mend: 'See --help.',
        }));
        throw new Refused(
          refusal('invalid', 'bad-options', 'The options are not as they must be.', { fields }),
        );
      }
      const format: Format | undefined = input.data.format ?? formatOf(file);
      if (!format) {
        throw new Refused(
          refusal(
            'invalid',
            'unknown-format',
            `The name ${file} does not tell its format: say --format ${FORMATS.join('|')}.`,
          ),
        );
      }
      const asked = {
        source: input.data.source,
        format,
        kind: input.data.kind ?? null,
        fileName: '',
        dryRun: options.dryRun ?? false,
        partial: options.partial ?? false,
      };
      const bar = progressBar(process.stderr);
      const outcome = await withApp(async (app, by) => {
        try {
          return accepted(await app.get(ImportsService).runFile(file, asked, by, bar.show));
        } finally {
          bar.end();
        }
      });
      report(outcome, options.json ?? false);
      if (outcome.job.state !== 'done') process.exitCode = 1;
    });
};

function report({ job, problems }: { job: ImportView; problems: ProblemView[] }, json: boolean): void {
  if (json) {
    print(JSON.stringify({ ...job, firstProblems: problems }));
    return;
  }
  for (const { line, kind, key, field, problem, mend } of problems) {
    const what = [kind, key === null ? '' : `"${key}"`, field].filter(Boolean).join(' ');
    process.stderr.write(`line ${line}${what && `, ${what}`}: ${problem}. ${mend}\n`);
  }
  if (job.problems > problems.length) {
    process.stderr.write(
      `and ${job.problems - problems.length} more: GET /api/v1/imports/${job.id}/problems\n`,
    );
  }
  for (const [kind, { created, changed, unchanged }] of Object.entries(job.counts)) {
    print(`${kind.replaceAll('_', ' ')}: ${created} created, ${changed} changed, ${unchanged} unchanged`);
  }
  print(`import ${job.reference}: ${outcomeOf(job)}`);
}

function outcomeOf(job: ImportView): string {
  if (job.state === 'failed') return `failed, nothing was stored: ${job.failure ?? ''}. ${job.mend ?? ''}`;
  if (job.state === 'refused') return `refused with ${job.problems} problems, nothing was stored`;
  const but = job.problems > 0 ? `, ${job.problems} problems in rows that were left out` : '';
  return job.dryRun ? `would be done${but}; this was a dry run, nothing was stored` : `done${but}`;
}

const WIDTH = 30;

/** On a terminal a bar that moves; elsewhere a line for each phase. */
function progressBar(out: NodeJS.WriteStream): {
  show: (progress: Progress & { bytesTotal: number }) => void;
  end: () => void;
} {
  let phase = '';
  let drawn = false;
  return {
    show({ phase: now, bytesRead, bytesTotal, rowsRead }) {
      if (!out.isTTY) {
        if (now !== phase) out.write(`${now}${now === 'reading' ? '' : ` ${rowsRead} rows`}\n`);
        phase = now;
        return;
      }
      const part = now === 'reading' ? Math.min(1, bytesRead / Math.max(1, bytesTotal)) : 1;
      const full = Math.round(part * WIDTH);
      out.write(
        `\r\u001b[K${now.padEnd(9)}[${'#'.repeat(full)}${' '.repeat(WIDTH - full)}] ${rowsRead} rows`,
      );
      drawn = true;
    },
    end() {
      if (drawn) out.write('\r\u001b[K');
    },
  };
}
