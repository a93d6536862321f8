import { hash } from 'node:crypto';
import type { z } from 'zod';
import { refusal, type Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { Secret } from '../../../kernel/secret.ts';
import { parseInstant, type Millis } from '../../../kernel/time.ts';
import { UNPROVEN, contentKeyOf, malformed } from '../../../domain/exposures/delivery.rules.ts';
import { LARGEST_VALUE } from '../../../domain/exposures/report.schema.ts';
import type { Proven, RawDelivery, ReadDelivery, Report, Source } from '../../../domain/exposures/source.ts';

export const FILE_LIMITS = { depth: 32, items: 1_000_000 };

/** Findings of one file; more belong into several. */
export const MOST_FINDINGS = 50_000;

/** A scanner whose findings come as a file. Nobody signs it: it counts for as much as whoever hands it in. */
export abstract class FileSource implements Source {
  abstract readonly key: string;
  abstract readonly title: string;
  readonly bodyLimit = 1024 * 1024;
  readonly filesOnly = true;

  checkKey(): string {
    return 'does not belong here: nothing signs a file';
  }

  authenticate(): Result<Proven, Refusal> {
    return err(UNPROVEN);
  }

  read({ body }: RawDelivery): Result<ReadDelivery, Refusal> {
    return this.readFile(body);
  }

  abstract readFile(file: Buffer): Result<ReadDelivery, Refusal>;
}

export function tooManyFindings(): Refusal {
  return refusal('invalid', 'delivery-unreadable', 'The file cannot be read.', {
    fields: [
      {
        field: 'body',
        problem: `holds more than ${MOST_FINDINGS} findings`,
        mend: 'Split it into several files.',
      },
    ],
  });
}

/** The value that a finding shows; null where the scanner blanked it, so that a mask is never taken for a secret. */
export function valueIn(text: string | null | undefined): Secret | null {
  return text === null || text === undefined || isBlanked(text) || Buffer.byteLength(text) > LARGEST_VALUE
    ? null
    : Secret.of(text);
}

function isBlanked(text: string): boolean {
  const trimmed = text.trim();
  return (
    trimmed === '' ||
    /^[[(<]?\s*(redacted|masked|hidden|removed)\s*[\])>]?$/i.test(trimmed) ||
    /\*{3,}|•{3,}|(?:…|\.{3})$/.test(trimmed) ||
    /^([*xX•#.-])\1{2,}$/.test(trimmed)
  );
}

/** What a file was found to report: each leak once, and why, where there is none. */
export function fileRead(
  event: string,
  file: Buffer,
  reports: readonly Report[],
): Result<ReadDelivery, Refusal> {
  if (reports.length > MOST_FINDINGS) return err(tooManyFindings());
  return ok({
    event,
    contentKey: contentKeyOf('file', file),
    reports: withOwnNames(reports),
    ...(reports.length === 0 ? { acknowledged: 'a report without findings' } : {}),
  });
}

/** A file whose findings are not as their scanner writes them, by field. @param at  where in the file they stand */
export function unlikeItsScanner(
  error: z.ZodError,
  mend: string,
  at: readonly (string | number)[] = [],
): Refusal {
  return malformed(
    error.issues.slice(0, 10).map((issue) => ({
      field: ['body', ...at, ...issue.path.map(String)].join('/'),
      problem: issue.message,
      mend,
    })),
  );
}

/** What a scanner calls a finding that it gives no name: what is known of it, in one text. */
export function namedBy(parts: readonly (string | number | null | undefined)[]): string {
  return parts
    .filter((part) => part !== null && part !== undefined && part !== '')
    .map(String)
    .join(':');
}

/** `github:owner/repo`, `gitlab:group/project`: where a public address belongs. */
export function placeOfUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { hostname, pathname } = new URL(text);
  const path = pathname.split('/').filter((part) => part !== '');
  const end = path.indexOf('-');
  const project = (end > 1 ? path.slice(0, end) : path.slice(0, 2)).join('/').replace(/\.git$/, '');
  if (path.length < 2 || project === '') return undefined;
  const host = hostname === 'github.com' || hostname === 'gitlab.com' ? hostname.slice(0, 6) : hostname;
  return `${host}:${project}`.toLowerCase();
}

export function lineOf(line: number | null | undefined): number | undefined {
  return Number.isInteger(line) && line! >= 0 && line! < 2_000_000_000 ? line! : undefined;
}

/** A time as scanners print it; undefined where nobody can tell which one is meant. */
export function looseInstant(text: string | null | undefined): Millis | undefined {
  if (!text) return undefined;
  const exact = parseInstant(text);
  if (exact !== undefined) return exact;
  const [, day, time, zone] =
    /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?) ?(UTC|Z|[+-]\d{2}:?\d{2})(?: [A-Z]{1,5})?$/.exec(
      text.trim(),
    ) ?? [];
  if (day === undefined || time === undefined || zone === undefined) return undefined;
  const offset = /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(-2)}` : 'Z';
  return parseInstant(`${day}T${time}${offset}`);
}

/** Each leak of one delivery once, and with a name of its own. */
export function withOwnNames(reports: readonly Report[]): Report[] {
  const own = new OwnNames();
  for (const report of reports) own.add(report);
  return own.reports;
}

/**
 * Within one delivery each leak has a name of its own: what has both name and value of another is the same one, seen at
 * several places; another value under a known name is a leak beside it. Of names that come once, as most do, nothing more
 * is kept than the report itself.
 */
export class OwnNames {
  readonly #named = new Map<string, Report>();
  /** By the name that several findings came with: how many leaks have it, and each by its value. */
  readonly #alike = new Map<string, { count: number; byValue: Map<string, Report> }>();

  get reports(): Report[] {
    return [...this.#named.values()];
  }

  add(report: Report): void {
    const { externalRef: name } = report;
    const first = this.#named.get(name);
    if (!first) {
      this.#named.set(name, report);
      return;
    }
    let known = this.#alike.get(name);
    // The one that has the name may have been given it in place of another.
    known ??= { count: 1, byValue: new Map([[valueKeyOf(first), first]]) };
    this.#alike.set(name, known);
    const value = valueKeyOf(report);
    const same = known.byValue.get(value);
    if (same) {
      if (same.foundAt.length < MOST_PLACES) same.foundAt = [...same.foundAt, ...report.foundAt];
      return;
    }
    let externalRef: string;
    do {
      known.count += 1;
      externalRef = `${name} (${known.count})`;
    } while (this.#named.has(externalRef));
    const own = { ...report, externalRef };
    this.#named.set(externalRef, own);
    known.byValue.set(value, own);
  }
}

/** Of one leak; what is beyond is not kept anyway. */
const MOST_PLACES = 100;

/** Only to tell one value of a delivery from another, and never kept. */
function valueKeyOf({ value, sha256 }: Report): string {
  return value?.useBytes((bytes) => hash('sha256', bytes)) ?? sha256 ?? '';
}
