import { readFile } from 'node:fs/promises';
import { extname, isAbsolute, relative, sep } from 'node:path';
import { Option } from 'commander';
import { isId, type Id } from '../kernel/ids.ts';
import { Refused, refusal, type FieldProblem } from '../kernel/errors.ts';
import { iso, parseInstant, type Millis } from '../kernel/time.ts';
import { evaluateGate } from '../domain/policy/gate.rules.ts';
import { GateService } from '../domain/policy/gate.service.ts';
import { viewOfFinding } from '../domain/policy/gate-records.service.ts';
import type { GateFacts } from '../domain/policy/facts.schema.ts';
import {
  renderReport,
  REPORT_FORMATS,
  type GateReport,
  type Place,
  type ReportFormat,
} from '../domain/policy/report.rules.ts';
import { factsOfManifest } from '../domain/portfolio/manifest-facts.rules.ts';
import { readManifest } from '../domain/portfolio/manifest.rules.ts';
import { originsOf, withRecorded } from '../domain/portfolio/recorded-evidence.rules.ts';
import { Clock } from '../platform/clock/clock.ts';
import { environment } from '../platform/config/environment.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { accepted, print, withApp, type AddCommand } from './command.ts';
import { policyBook, runbooksOf } from './gate-inputs.ts';
import { GateServer } from './gate-server.ts';

interface Options {
  format: ReportFormat;
  manifest?: string;
  server?: string;
  token?: string;
  policy?: string;
  runbooks?: string;
  at?: string;
  all?: boolean;
}

export const addGate: AddCommand = (program) => {
  program
    .command('gate')
    .description(
      'ask whether an integration may go live; status 0: it may, 1: it may not, 2: it could not be judged',
    )
    .argument('[integration]', 'its reference or id, or key of its source')
    .addOption(new Option('--format <format>', 'how to say it').choices(REPORT_FORMATS).default('text'))
    .option('--manifest <file>', 'judge a proposed change: a portfolio in YAML or JSON; starts no database')
    .option('--server <url>', 'where the recorded facts are; what the manifest declares is then put aside')
    .option('--token <token>', 'for the server; better in COUNTERSIGN_TOKEN, where no process list shows it')
    .option('--policy <file>', 'with a manifest: this policy, in place of the one that it would inherit')
    .option('--runbooks <folder>', 'with a manifest: these runbooks, in place of the installed ones')
    .option('--at <instant>', 'with a manifest: judge as of this instant, e.g. 2026-12-01T00:00:00Z')
    .option('--all', 'look at every integration again, and say how many lost their pass')
    .action(async (integration: string | undefined, options: Options) => {
      if (options.all) return lookAtAll();
      const { reports, place } = options.manifest
        ? await ofManifest(options.manifest, options)
        : { reports: [await ofRecord(integration, options)], place: undefined };
      print(renderReport(reports, options.format, place));
      process.exitCode = reports.every(({ verdict }) => verdict === 'pass') ? 0 : 1;
    });
};

function unusable(code: string, message: string, fields: FieldProblem[] = []): Refused {
  return new Refused(refusal('invalid', code, message, { fields }));
}

async function ofManifest(file: string, options: Options): Promise<{ reports: GateReport[]; place: Place }> {
  const now = instantOf(options.at);
  const bytes = await readFile(file).catch(() => {
    throw unusable('no-manifest', `${file} cannot be read.`);
  });
  const read = readManifest(bytes, extname(file).toLowerCase() === '.json' ? 'json' : 'yaml');
  if (!read.ok) throw unusable('bad-manifest', `${file} is no manifest.`, read.error);
  const manifest = read.value;
  const book = await policyBook(options.policy);
  let all = factsOfManifest(manifest, await runbooksOf(options.runbooks));
  if (options.server !== undefined) {
    const server = serverOf(options);
    // One after the other: a manifest is small, and a server's limits are not.
    const known: GateFacts[] = [];
    for (const facts of all) {
      const recorded = await server.factsByKey(manifest.source, facts.integration.id);
      known.push(recorded ? withRecorded(facts, recorded) : withoutDeclared(facts));
    }
    all = known;
  }
  const reports = all.map((facts): GateReport => {
    const { policy, hash } = book.of(facts.integration);
    const { verdict, findings } = evaluateGate(facts, policy, now);
    return {
      integration: facts.integration,
      verdict,
      findings: findings.map(viewOfFinding),
      policy: { name: policy.policy, version: policy.version, hash },
      matrixHash: facts.matrix?.hash ?? null,
      evidence: originsOf(facts),
    };
  });
  return { reports: reports.map(slim), place: placeIn(file, manifest.lines) };
}

/** What the server has never heard of has no evidence on record. */
function withoutDeclared(facts: GateFacts): GateFacts {
  return {
    ...facts,
    matrix: facts.matrix && { ...facts.matrix, attestations: [] },
    parties: facts.parties.map((party) => ({
      ...party,
      contacts: party.contacts.map((one) => ({ ...one, confirmedAt: null })),
    })),
    credentials: facts.credentials.map((one) => ({
      ...one,
      paths: one.paths.map((path) => ({ ...path, lastDrill: null })),
    })),
  };
}

function slim(report: GateReport): GateReport {
  const { id, reference, name } = report.integration;
  return { ...report, integration: { id, reference, name } };
}

/** Subjects of a manifest stand on a line of it: their own, or that of what they belong to. */
function placeIn(file: string, lines: ReadonlyMap<string, number>): Place {
  const inside = isAbsolute(file) ? relative(process.cwd(), file) : file;
  return {
    file: inside.split(sep).join('/'),
    lineOf({ subject }, { integration }) {
      const key = subject.id.split('/')[0]!;
      const kinds = [subject.kind, 'credential', 'location', 'contact', 'agreement', 'integration'];
      const own = kinds.map((kind) => lines.get(`${kind} ${key}`)).find((line) => line !== undefined);
      return own ?? lines.get(`integration ${integration.id}`) ?? 1;
    },
  };
}

function instantOf(text: string | undefined): Millis {
  if (text === undefined) return Date.now();
  const at = parseInstant(text);
  if (at === undefined)
    throw unusable('bad-instant', `--at must be an instant such as ${iso(0).replace('1970', '2026')}.`);
  return at;
}

function serverOf({ server, token }: Options): GateServer {
  const given = token ?? environment()['COUNTERSIGN_TOKEN'];
  if (!given) throw unusable('no-token', 'The server needs a token: set COUNTERSIGN_TOKEN.');
  return new GateServer(server!, given);
}

/** What is on record: of the server that was named, or of the database of this installation. */
async function ofRecord(named: string | undefined, options: Options): Promise<GateReport> {
  if (named === undefined) throw unusable('no-integration-named', 'Name an integration, or a --manifest.');
  for (const option of ['policy', 'runbooks', 'at'] as const) {
    if (options[option] !== undefined)
      throw unusable(
        'bad-options',
        `--${option} goes with --manifest: what is on record is judged as it is.`,
      );
  }
  if (options.server !== undefined) return serverOf(options).dryRun(named);
  return withApp(async (app, by) => {
    const transactions = app.get(Transactions);
    const [row] = await transactions.run(by, (db) =>
      db.query<{ id: Id; reference: string; name: string }[]>(
        `SELECT id, reference, name FROM integration
          WHERE reference = $1 OR external_key = $1 OR id = $2 ORDER BY reference = $1 DESC LIMIT 1`,
        [named, isId(named) ? named : null],
      ),
    );
    if (!row) throw unusable('no-integration', `There is no integration ${named}.`);
    const { verdict, findings, policy, matrix, evidence } = accepted(
      await app.get(GateService).dryRun(row.id, by),
    );
    return {
      integration: row,
      verdict,
      findings,
      policy,
      matrixHash: matrix?.hash ?? null,
      evidence: evidence.map((one) => ({ ...one, origin: 'recorded' as const })),
    };
  });
}

async function lookAtAll(): Promise<void> {
  const standing = await withApp(async (app, by) => {
    const done = await app.get(GateService).reEvaluateAll(by, (count, total) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${count} of ${total}`);
    });
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    const rows = await app
      .get(Transactions)
      .run(by, (db) =>
        db.query<{ pass: string; n: number }[]>(
          `SELECT pass, count(*)::int AS n FROM integration WHERE state = 'live' GROUP BY pass ORDER BY pass`,
        ),
      );
    return { done, rows, at: app.get(Clock).now() };
  });
  print(`${standing.done} integrations looked at, ${iso(standing.at)}`);
  for (const { pass, n } of standing.rows) print(`live, pass ${pass}: ${n}`);
}
