import { createReadStream } from 'node:fs';
import { Refused, refusal } from '../kernel/errors.ts';
import { judgeStated, probeRows, type Judgement } from '../domain/revocation/answers.rules.ts';
import { Connectors } from '../domain/revocation/connectors.ts';
import { readPresetFiles, type KnownPreset } from '../domain/revocation/preset-files.ts';
import { factOf, presetLine, readingsOf } from '../domain/revocation/preset-view.rules.ts';
import { SystemClock } from '../platform/clock/clock.ts';
import { templatesFolder } from '../platform/config/templates.ts';
import { rowFor } from '../platform/http/answer-table.rules.ts';
import { Outbound } from '../platform/http/outbound.ts';
import { connectorClasses } from '../plugins/connectors/registry.ts';
import { MAX_ANSWER_BYTES } from '../plugins/vendors/declared-http/declared-request.ts';
import { print, type AddCommand } from './command.ts';

interface CheckOptions {
  status: string;
  header: string[];
  body?: string;
  id?: string;
  variant?: string;
  json?: boolean;
}

export const addConnector: AddCommand = (program) => {
  const connector = program
    .command('connector')
    .description('what is known of each supplier; asks nobody, and needs neither database nor configuration');
  connector
    .command('list')
    .description('each supplier with its presets, what they can do by machine and what that rests on')
    .option('--json', 'print one JSON object')
    .action(({ json }: { json?: boolean }) => {
      const suppliers = bySupplier();
      if (json) print(JSON.stringify({ connectors: listed(suppliers) }, null, 2));
      else report(suppliers);
    });
  connector
    .command('check')
    .description(
      'say what an answer to a supplier’s probe means; status 0 whatever it means, 2: it cannot be read',
    )
    .argument('<key>', 'the supplier, as in "connector list"')
    .requiredOption('--status <n>', 'the answer’s HTTP status')
    .option('--header <"name: value">', 'a header of the answer; may be given several times', collect, [])
    .option('--body <file>', 'the answer’s body; - reads standard input')
    .option('--id <id>', 'the supplier’s id of the credential, where the answer must name it')
    .option('--variant <variant>', 'which of the supplier’s presets; the usual one if left out')
    .option('--json', 'print one JSON object')
    .action(async (key: string, options: CheckOptions) => {
      const preset = chosen(key, options.variant);
      const judged = await check(preset, options);
      const fact = judged.row ? factOf(preset.preset, judged.row) : undefined;
      const answer = {
        verdict: judged.verdict,
        why: judged.why,
        connector: key,
        variant: preset.preset.variant ?? null,
        preset: preset.preset.key,
        source: fact?.source ?? null,
        verified: fact ? fact.status === 'verified' : null,
      };
      if (options.json) return print(JSON.stringify(answer));
      print(`${answer.verdict}: ${answer.why}`);
      print(`  preset ${answer.preset} (${preset.preset.title})`);
      if (fact) print(`  ${fact.status}: ${fact.source}`);
    });
};

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function unreadable(code: string, message: string): Refused {
  return new Refused(refusal('invalid', code, message));
}

let known: ReadonlyMap<string, readonly KnownPreset[]> | undefined;

/** The suppliers of the installed presets, each with its usual preset first. */
function bySupplier(): ReadonlyMap<string, readonly KnownPreset[]> {
  known ??= read();
  return known;
}

function read(): Map<string, KnownPreset[]> {
  const outbound = new Outbound({ outboundAllow: [] }, new SystemClock());
  const connectors = new Connectors(connectorClasses.map((connector) => new connector(outbound)));
  const suppliers = new Map<string, KnownPreset[]>();
  for (const one of readPresetFiles(connectors, templatesFolder('connectors'))) {
    const { supplier } = one.preset;
    if (supplier !== undefined) suppliers.set(supplier, [...(suppliers.get(supplier) ?? []), one]);
  }
  const usualFirst = (a: KnownPreset, b: KnownPreset) =>
    Number(b.preset.usual ?? 0) - Number(a.preset.usual ?? 0);
  return new Map(
    [...suppliers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, presets]) => [key, presets.sort(usualFirst)]),
  );
}

function chosen(key: string, variant: string | undefined): KnownPreset {
  const suppliers = bySupplier();
  const presets = suppliers.get(key);
  if (!presets)
    throw unreadable(
      'unknown-connector',
      `There is no connector ${key}. There are ${[...suppliers.keys()].join(', ')}.`,
    );
  const found = variant === undefined ? presets[0] : presets.find(({ preset }) => preset.variant === variant);
  if (!found) {
    const known = presets.map(({ preset }) => preset.variant).join(', ');
    throw unreadable('unknown-variant', `${key} has no variant ${variant}. It has ${known}.`);
  }
  return found;
}

async function check(preset: KnownPreset, options: CheckOptions): Promise<Judgement> {
  if (!/^[1-5]\d\d$/.test(options.status))
    throw unreadable('bad-status', '--status must be an HTTP status from 100 to 599.');
  const status = Number(options.status);
  const headers = headersOf(options.header);
  const body = options.body === undefined ? null : await bodyOf(options.body);
  if (body && body.length > MAX_ANSWER_BYTES) {
    const why = `the answer is longer than ${MAX_ANSWER_BYTES} bytes, beyond which none is read`;
    return { verdict: 'indeterminate', why, row: null };
  }
  const readings = readingsOf(preset);
  const rows = probeRows(readings);
  if (rows) return judgeStated(rows, { status, headers, body, supplierId: options.id });
  const revoke = readings.find(({ part }) => part === 'revoke');
  const row = revoke ? rowFor(revoke.rows, { status, body: body ?? Buffer.alloc(0) }) : null;
  const said = row?.why ? `an answer to its revocation: ${row.why}; it` : 'whatever it answers';
  const why = `nothing can be asked here, and ${said} proves nothing`;
  return { verdict: 'indeterminate', why, row: row && { ...row, means: 'indeterminate' } };
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line, index) => {
      const [, name, value] =
        /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
      // What was given may be a secret, so that it is not said again.
      if (name === undefined || value === undefined)
        throw unreadable('bad-header', `--header ${index + 1} must be "Name: value", in one line.`);
      return [name.toLowerCase(), value.trim()];
    }),
  );
}

/** The body, read no further than it takes to see that it is too long. */
async function bodyOf(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length > MAX_ANSWER_BYTES) break;
    }
    return Buffer.concat(chunks);
  } catch {
    throw unreadable('no-body', `${file} cannot be read.`);
  }
}

function listed(suppliers: ReadonlyMap<string, readonly KnownPreset[]>) {
  return [...suppliers].map(([key, presets]) => ({ key, presets: presets.map(presetLine) }));
}

function report(suppliers: ReadonlyMap<string, readonly KnownPreset[]>): void {
  const rows = [...suppliers].flatMap(([key, presets]) =>
    presets
      .map(presetLine)
      .map((one) => [
        key,
        `${one.variant ?? ''}${one.usual ? ' *' : ''}`,
        one.title,
        one.capabilities.join(' ') || 'none',
        one.revocability,
        one.verified ? 'verified' : 'unverified',
        one.ranAgainst ? 'yes' : 'no',
      ]),
  );
  const head = [
    'connector',
    'variant',
    'title',
    'by machine',
    'revocability',
    'death rests on',
    'run against it',
  ];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  for (const row of [head, ...rows])
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
  print('\n* the one that is meant where no variant is named');
}
