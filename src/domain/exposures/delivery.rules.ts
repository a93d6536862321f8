import { createHash, timingSafeEqual } from 'node:crypto';
import { refusal, type FieldProblem, type Refusal } from '../../kernel/errors.ts';
import type { JsonProblem } from '../../kernel/strict-json.ts';
import type { FoundAt, Report } from './source.ts';

/**
 * The one answer to whoever could not prove who they are: unknown source, source without a key, wrong or missing
 * signature. The same for all, so that it tells nothing.
 */
export const UNPROVEN: Refusal = refusal(
  'unauthenticated',
  'delivery-not-authenticated',
  'The delivery is not signed with a key of this source.',
  {
    fields: [
      {
        field: 'signature',
        problem: 'is missing, or is not by a key of a source of this name',
        mend: 'Sign the body, byte for byte as it is sent, with a key that the source has here, and look whether the address ends with the key of the source.',
      },
    ],
  },
);

/** To whoever proved that they hold a key: only the time of their signature is wrong. */
export const STALE: Refusal = refusal(
  'unauthenticated',
  'delivery-stale',
  'The delivery is signed, but the timestamp is more than 5 minutes off.',
  {
    fields: [
      {
        field: 'webhook-timestamp',
        problem: 'the timestamp is more than 5 minutes off',
        mend: 'Set the clock of the sender, and sign each try anew with the second at which it is sent.',
      },
    ],
  },
);

/** Whether one of the signatures is the expected one, in a time that does not depend on where they differ. */
export function sameBytes(expected: Buffer, given: Buffer): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** A key of content, for sources whose delivery id is not signed. */
export function contentKeyOf(...parts: (string | number | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part));
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}

/** A body that cannot be read, with the place and the mend; member names that could be anything are left out. */
export function unreadable(found: JsonProblem): Refusal {
  const pointer = found.pointer
    .split('/')
    .map((name) => (/^(\d{1,9}|[a-z][A-Za-z_]{0,39})?$/.test(name) ? name : '…'))
    .join('/');
  return malformed([
    { field: pointer === '' ? 'body' : `body${pointer}`, problem: found.problem, mend: found.mend },
  ]);
}

export function malformed(fields: FieldProblem[]): Refusal {
  return refusal('invalid', 'delivery-unreadable', 'The delivery cannot be read.', { fields });
}

/** Text from outside, fit for a row and a page: no controls, well-formed, one line, bounded. */
export function oneLine(text: string, longest: number): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, longest)
    .toWellFormed();
}

/** What replaces a value that its reporter wrote into a name, a path or a URL. */
const BLANKED = '[secret]';

/**
 * The report with nothing in its texts that could be the secret: the value itself blanked wherever it stands, URLs
 * without query and user, everything bounded.
 */
export function scrubbed(report: Report): Report {
  const texts = report.value?.use(spellings) ?? [];
  const clean = (text: string, longest: number) =>
    oneLine(
      texts.reduce((kept, secret) => kept.replaceAll(secret, BLANKED), text),
      longest,
    );
  const optional = (text: string | undefined, longest: number) => {
    const kept = text === undefined ? '' : clean(text, longest);
    return kept === '' ? undefined : kept;
  };
  return {
    ...report,
    externalRef: clean(report.externalRef, 300),
    place: optional(report.place, 300),
    supplierId: optional(report.supplierId, 300),
    kind: optional(report.kind, 100),
    resolved: optional(report.resolved, 100),
    foundAt: uniquePlaces(
      report.foundAt.slice(0, 100).map((place) => ({
        type: clean(place.type, 100) || 'unknown',
        url: place.url === undefined ? undefined : optional(plainUrl(place.url), 2000),
        path: optional(place.path, 1000),
        line: place.line,
      })),
    ),
  };
}

/** How a value may be spelled inside another text. Too short to be told from a word: none. */
function spellings(value: string): string[] {
  const trimmed = value.trim();
  if (trimmed.length < 6) return [];
  return [
    ...new Set([
      value,
      trimmed,
      encodeURIComponent(trimmed),
      encodeURI(trimmed),
      ...base64Spellings(trimmed),
    ]),
  ].toSorted((a, b) => b.length - a.length);
}

function base64Spellings(text: string): string[] {
  const bytes = Buffer.from(text);
  return [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')];
}

function plainUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  url.search = '';
  url.username = '';
  url.password = '';
  return url.href;
}

function uniquePlaces(places: FoundAt[]): FoundAt[] {
  const seen = new Set<string>();
  return places.filter((place) => {
    const key = JSON.stringify([place.type, place.url, place.path, place.line]);
    return !seen.has(key) && seen.add(key);
  });
}
