import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Refused, refusal, type Refusal } from '../kernel/errors.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { MASK, Secret } from '../kernel/secret.ts';
import { iso, parseInstant, type Millis } from '../kernel/time.ts';
import { answerTo } from '../api/problem.ts';
import { scrubbed } from '../domain/exposures/delivery.rules.ts';
import type {
  RawDelivery,
  ReadDelivery,
  Report,
  Source,
  SourceSettings,
} from '../domain/exposures/source.ts';
import { SystemClock } from '../platform/clock/clock.ts';
import { Outbound } from '../platform/http/outbound.ts';
import { sources } from '../plugins/sources/registry.ts';
import { print, type AddCommand } from './command.ts';

interface CheckOptions {
  key: string[];
  headers?: string;
  body: string;
  at?: string;
  issuer?: string;
  audience?: string;
  json?: boolean;
}

/** What the intake would make of a delivery. */
interface Verdict {
  accepted: boolean;
  /** The HTTP status of the answer. */
  status: number;
  reason: string;
  /** Values are masked. */
  reports: MaskedReport[];
}

interface MaskedReport {
  ref: string;
  place: string | null;
  kind: string | null;
  /** Masked; null where the report carries none. */
  value: string | null;
  /** Whether it carries the SHA-256 of the value. */
  hashed: boolean;
  supplierId: string | null;
  sourceSays: string;
  publiclyLeaked: boolean;
  resolved: string | null;
  occurredAt: string | null;
  detectedAt: string | null;
  asOf: string | null;
  foundAt: Report['foundAt'];
}

export const addIntake: AddCommand = (program) => {
  const intake = program
    .command('intake')
    .description('reports of leaked secrets as they come in; needs neither database nor configuration');
  intake
    .command('check')
    .description('judge a captured delivery, or a file, as the intake would; stores nothing')
    .argument(
      '<kind>',
      `the kind of source: ${kinds()
        .map(({ key }) => key)
        .join(', ')}`,
    )
    .option(
      '--key <file>',
      'the signing secret (several: one a line), the key list of GitHub, or the key set of a transmitter; may be given several times',
      (file: string, before: string[]) => [...before, file],
      [],
    )
    .option('--headers <file>', 'the headers: a JSON object, or lines "Name: value"')
    .requiredOption('--body <file>', 'the body, byte for byte; - reads standard input')
    .option('--at <time>', 'when it came, RFC 3339 with an offset; now if left out')
    .option('--issuer <iss>', 'of set: the issuer that the stream has; any if left out')
    .option('--audience <aud>', 'of set: the audience that the stream has; any if left out')
    .option('--json', 'print one JSON object')
    .action(async (key: string, options: CheckOptions) => {
      const verdict = await check(kindOf(key), options);
      if (options.json) print(JSON.stringify(verdict, null, 2));
      else tell(verdict);
      if (!verdict.accepted) process.exitCode = 1;
    });
};

function kinds(): Source[] {
  const outbound = new Outbound({ outboundAllow: [] }, new SystemClock());
  return sources.map((Kind) => new Kind(outbound));
}

function kindOf(key: string): Source {
  const known = kinds();
  const kind = known.find((one) => one.key === key);
  if (kind) return kind;
  const named = known.map((one) => one.key).join(', ');
  throw unusable('unknown-source-kind', `There is no kind of source ${key}. There are ${named}.`);
}

async function check(kind: Source, options: CheckOptions): Promise<Verdict> {
  const now = options.at === undefined ? Date.now() : parseInstant(options.at);
  if (now === undefined)
    throw unusable('bad-time', '--at must be an RFC 3339 time with an offset, e.g. 2026-11-22T01:58:05Z.');
  const keys = (await Promise.all(options.key.map(keysIn))).flat();
  const headers = options.headers === undefined ? undefined : headersOf(await bytesOf(options.headers));
  const body = await bytesOf(options.body);
  const settings: SourceSettings = {
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    ...(options.audience === undefined ? {} : { audience: options.audience }),
  };
  // Where a kind takes both, headers or a key say that it is a delivery.
  const isFile = kind.readFile !== undefined && (kind.filesOnly || (!headers && keys.length === 0));
  const read = isFile
    ? (withinLimit(kind, body) ?? kind.readFile!(body))
    : await judged(kind, { headers: { ...contentType(kind, body), ...headers }, body }, keys, now, settings);
  return verdictOf(kind, read, settings);
}

/** What a delivery must have been where it was captured without that header. */
function contentType(kind: Source, body: Buffer): Record<string, string> {
  const form = body.subarray(0, FORM_FIELD.length).toString('latin1') === FORM_FIELD;
  return {
    'content-type':
      kind.key === 'set'
        ? 'application/secevent+jwt'
        : form
          ? 'application/x-www-form-urlencoded'
          : 'application/json',
  };
}

const FORM_FIELD = 'payload=';

async function judged(
  kind: Source,
  delivery: RawDelivery,
  keys: readonly Secret[],
  now: Millis,
  settings: SourceSettings,
): Promise<Result<ReadDelivery, Refusal>> {
  const large = withinLimit(kind, delivery.body);
  if (large) return large;
  const proven = await kind.authenticate(delivery, keys, now, settings);
  return proven.ok ? kind.read(delivery) : proven;
}

function withinLimit(kind: Source, body: Buffer): Result<never, Refusal> | undefined {
  if (body.length <= kind.bodyLimit) return undefined;
  return err(
    refusal('too_large', 'delivery-too-large', `The delivery is larger than ${kind.bodyLimit} bytes.`),
  );
}

function verdictOf(kind: Source, read: Result<ReadDelivery, Refusal>, settings: SourceSettings): Verdict {
  const outcome = read.ok ? ok(read.value.reports.map((report) => ({ report, known: false }))) : read;
  const { status: answered, body } = kind.answer?.(outcome, settings) ?? {};
  if (!read.ok) {
    const { message, fields = [] } = read.error;
    const told = fields
      .filter(({ problem }) => problem !== message)
      .map(({ field, problem, line }) => `${line === undefined ? '' : `line ${line}, `}${field} ${problem}`);
    return {
      accepted: false,
      status: answered ?? answerTo(read.error, '').status,
      reason: [...errorCode(body), message, ...told].join(' '),
      reports: [],
    };
  }
  const { event, acknowledged, reports, unread = [] } = read.value;
  const [first] = unread;
  const lost = first ? `; unread: ${unread.length}, the first ${first.field} ${first.problem}` : '';
  const count = `${reports.length === 1 ? '1 report' : `${reports.length} reports`}${lost}`;
  return {
    accepted: true,
    status: answered ?? 202,
    reason: acknowledged === undefined ? `${event}: ${count}` : `${event}: acknowledged, ${acknowledged}`,
    reports: reports.map(masked),
  };
}

/** The code that a transmitter of security event tokens would be given (RFC 8935 §2.4). */
function errorCode(body: unknown): string[] {
  const code = body !== null && typeof body === 'object' && 'err' in body ? body.err : undefined;
  return typeof code === 'string' ? [`${code}:`] : [];
}

function masked(given: Report): MaskedReport {
  const report = scrubbed(given);
  const at = (instant: Millis | undefined) => (instant === undefined ? null : iso(instant));
  return {
    ref: report.externalRef,
    place: report.place ?? null,
    kind: report.kind ?? null,
    value: given.value ? MASK : null,
    hashed: given.sha256 !== undefined,
    supplierId: report.supplierId ?? null,
    sourceSays: report.sourceSays ?? 'unknown',
    publiclyLeaked: report.publiclyLeaked ?? false,
    resolved: report.resolved ?? null,
    occurredAt: at(report.occurredAt),
    detectedAt: at(report.detectedAt),
    asOf: at(report.asOf),
    foundAt: report.foundAt,
  };
}

function tell({ accepted, status, reason, reports }: Verdict): void {
  print(`${accepted ? 'accepted' : 'refused'} (${status}): ${reason}`);
  for (const { ref, kind, value, sourceSays } of reports)
    print(`  ${ref}  ${kind ?? 'unknown kind'}  ${value ?? 'no value'}  ${sourceSays}`);
}

/** A document is one key; else each line is one, so that a change of keys can be tried. */
async function keysIn(file: string): Promise<Secret[]> {
  const text = (await bytesOf(file)).toString('utf8');
  if (text.trimStart().startsWith('{')) return [Secret.of(text.trim())];
  return text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => Secret.of(line));
}

function headersOf(bytes: Buffer): Record<string, string | undefined> {
  const text = bytes.toString('latin1').trim();
  const pairs = text.startsWith('{') ? pairsOfJson(bytes) : pairsOfLines(text);
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    // One that comes several times is taken by no one, as at the door.
    headers[key] = key in headers ? undefined : value;
  }
  return headers;
}

function pairsOfJson(bytes: Buffer): [string, string | undefined][] {
  let given: unknown;
  try {
    given = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw unusable('bad-headers', 'The file of headers is no JSON object.');
  }
  return Object.entries(given as object).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'string') return [name, value];
    if (typeof value === 'number') return [name, String(value)];
    if (Array.isArray(value) && value.length === 1 && typeof value[0] === 'string') return [name, value[0]];
    return [name, undefined];
  });
}

function pairsOfLines(text: string): [string, string][] {
  return text.split(/\r?\n/).flatMap((line, at): [string, string][] => {
    if (line.trim() === '' || (at === 0 && /^[A-Z]+ \S+ HTTP\/\d/.test(line))) return [];
    const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*)$/.exec(line) ?? [];
    // What was given may be a secret, so that it is not said again.
    if (name === undefined || value === undefined)
      throw unusable('bad-headers', `Line ${at + 1} of the headers must be "Name: value".`);
    return [[name, value.trim()]];
  });
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch {
    throw unusable('no-file', `${file} cannot be read.`);
  }
}

function unusable(code: string, message: string): Refused {
  return new Refused(refusal('invalid', code, message));
}
