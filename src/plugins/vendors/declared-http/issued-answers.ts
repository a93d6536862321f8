import { z } from 'zod';
import type {
  Exchange,
  IssueAnswer,
  ListAnswer,
  ListedVersion,
  UsageAnswer,
} from '../../../domain/revocation/connector.ts';
import { Secret } from '../../../kernel/secret.ts';
import type { Millis } from '../../../kernel/time.ts';
import { at } from '../../../platform/http/answer-table.rules.ts';
import { Redactor } from '../../../platform/http/redactor.ts';
import { declared, waitOf, withheld, type Heard } from './declared-request.ts';

export const ISSUE_MEANINGS = ['issued', 'rejected', 'retry', 'unknown'] as const;
export const LIST_MEANINGS = ['listed', 'unknown'] as const;
export const USAGE_MEANINGS = ['stated', 'unknown'] as const;

const pointer = z.string().regex(/^(\/([^~/]|~[01])*)*$/, 'must be a JSON pointer (RFC 6901)');

/** Where something stands in an answer. */
export const place = z.strictObject({
  pointer,
  /** Only what comes after the last of these: the id at the end of a resource's name. */
  after: z.string().min(1).optional(),
  encoding: z.literal('base64').optional(),
});
type Place = z.infer<typeof place>;

export const issueSchema = z.strictObject({
  ...declared(ISSUE_MEANINGS),
  /** Whether the new version works beside the old one or takes its place. */
  makes: z.enum(['adds', 'replaces']),
  /** Where the new value stands; `body`: it is the whole answer, as bare text. */
  value: z.union([place, z.literal('body')]),
  /** Where the supplier's id stands; `same`: the new version keeps the old one's. */
  id: z.union([place, z.literal('same')]).optional(),
  /** An ISO instant or date, or seconds since 1970. */
  expiresAt: pointer.optional(),
});

export const listIssuedSchema = z.strictObject({
  ...declared(LIST_MEANINGS),
  /** The list of versions. */
  versions: pointer,
  /** Within one of them. */
  id: place,
  label: pointer.optional(),
  createdAt: pointer.optional(),
  expiresAt: pointer.optional(),
  lastUsedAt: pointer.optional(),
  /** A list of so many may have a second page, and so tells nothing of what it does not hold. */
  pageSize: z.int().min(1).optional(),
});

export const listUsageSchema = z.strictObject({
  ...declared(USAGE_MEANINGS),
  lastUsedAt: pointer,
  where: pointer.optional(),
});

/**
 * An answer to "make a new version". What is not listed is `unknown`, as is "made" without a value to be found: only a
 * supplier that says "too many" (429), or was not reached, certainly made nothing. Bodies are kept of refusals alone.
 */
export function asIssueAnswer(
  heard: Heard<(typeof ISSUE_MEANINGS)[number]>,
  issue: z.infer<typeof issueSchema>,
  supplierId: string | null,
): IssueAnswer {
  const exchange = withheld(heard.exchange);
  if (heard.kind === 'incomplete') return { outcome: 'rejected', why: `not asked: ${heard.why}`, exchange };
  if (heard.kind === 'failure') {
    return heard.sent
      ? { outcome: 'unknown', why: `asked, but ${heard.why}`, exchange }
      : { outcome: 'retry', why: `not asked: ${heard.why}`, ...waitOf(heard), exchange };
  }
  const { row, status } = heard;
  const why = row?.why ?? `the supplier answered ${status}`;
  const wait = waitOf(heard);
  if (!row) {
    return status === 429
      ? { outcome: 'retry', why: 'the supplier asks for fewer requests', ...wait, exchange }
      : { outcome: 'unknown', why: `${why}, which its preset does not list`, exchange };
  }
  const json = parsed(heard.body);
  const value = issue.value === 'body' ? bareText(heard.body) : textAt(json, issue.value);
  switch (row.means) {
    case 'issued': {
      if (value === null) {
        const lost = `${why}, but its value does not stand where the preset says`;
        return { outcome: 'unknown', why: lost, exchange };
      }
      return {
        outcome: 'issued',
        issued: {
          supplierId: issue.id === 'same' ? supplierId : issue.id ? textAt(json, issue.id) : null,
          value: Secret.of(value),
          expiresAt: issue.expiresAt === undefined ? null : instantAt(json, issue.expiresAt),
        },
        exchange,
      };
    }
    case 'rejected': {
      const known = new Redactor(value === null ? [] : [Secret.of(value)]);
      if (issue.value === 'body') return { outcome: 'rejected', why, exchange };
      const extract = known.text(heard.exchange.extract);
      return { outcome: 'rejected', why, exchange: { ...exchange, extract } };
    }
    case 'retry':
      return { outcome: 'retry', why, ...wait, exchange };
    case 'unknown':
      return { outcome: 'unknown', why, exchange };
  }
}

/** A list is believed whole or not at all: what is missing from half of one was perhaps made. */
export function asListAnswer(
  heard: Heard<(typeof LIST_MEANINGS)[number]>,
  list: z.infer<typeof listIssuedSchema>,
): ListAnswer {
  const looked = lookedUp(heard, 'listed');
  if (looked.outcome === 'unknown') return looked;
  const { json, exchange, more } = looked;
  const no = (why: string): ListAnswer => ({ outcome: 'unknown', why, exchange });
  const found = at(json, list.versions)?.value;
  if (!Array.isArray(found)) return no('the supplier’s list does not stand where the preset says');
  if (more || found.length >= (list.pageSize ?? Infinity))
    return no('the supplier has more than one page of versions, so that what is missing here may exist');
  const versions: ListedVersion[] = [];
  for (const one of found as unknown[]) {
    const supplierId = textAt(one, list.id);
    if (supplierId === null) return no('a version of the supplier’s list has no id where the preset says');
    versions.push({
      supplierId,
      label: list.label === undefined ? null : textAt(one, { pointer: list.label }),
      createdAt: list.createdAt === undefined ? null : instantAt(one, list.createdAt),
      expiresAt: list.expiresAt === undefined ? null : instantAt(one, list.expiresAt),
      lastUsedAt: list.lastUsedAt === undefined ? null : instantAt(one, list.lastUsedAt),
    });
  }
  return { outcome: 'listed', versions, exchange };
}

export function asUsageAnswer(
  heard: Heard<(typeof USAGE_MEANINGS)[number]>,
  usage: z.infer<typeof listUsageSchema>,
): UsageAnswer {
  const looked = lookedUp(heard, 'stated');
  if (looked.outcome === 'unknown') {
    const { why, exchange } = looked;
    return { outcome: 'unknown', why, exchange };
  }
  const { json, exchange } = looked;
  const found = at(json, usage.lastUsedAt);
  const lastUsedAt = instantAt(json, usage.lastUsedAt);
  // Null is the supplier's word for "none seen"; a member that is missing or unreadable is not.
  if (found === undefined || (found.value !== null && lastUsedAt === null))
    return { outcome: 'unknown', why: 'the last use does not stand where the preset says', exchange };
  const where = usage.where === undefined ? null : textAt(json, { pointer: usage.where });
  return { outcome: 'stated', lastUsedAt, where: where?.slice(0, 200) ?? null, exchange };
}

function lookedUp<M extends string>(
  heard: Heard<M>,
  wanted: M,
):
  | { outcome: 'found'; json: unknown; exchange: Exchange; more: boolean }
  | { outcome: 'unknown'; why: string; retryAfter?: Millis; exchange: Exchange | null } {
  if (heard.kind === 'incomplete')
    return { outcome: 'unknown', why: `not asked: ${heard.why}`, exchange: null };
  const exchange = withheld(heard.exchange);
  if (heard.kind === 'failure') return { outcome: 'unknown', why: heard.why, exchange };
  if (heard.row?.means !== wanted) {
    const why =
      heard.row?.why ??
      `the supplier answered ${heard.status}${heard.row ? '' : ', which its preset does not list'}`;
    const wait = heard.retryAfter === undefined ? {} : { retryAfter: heard.retryAfter };
    return { outcome: 'unknown', why, ...wait, exchange };
  }
  const more = /\brel="?next\b/i.test(heard.headers['link'] ?? '');
  return { outcome: 'found', json: parsed(heard.body), exchange, more };
}

export function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** A whole answer that is a value: one line without spaces, perhaps as a JSON text. */
function bareText(body: Buffer): string | null {
  const json = parsed(body);
  const text = typeof json === 'string' ? json : body.toString('utf8').trim();
  return /^[^\s<>{}"\u0000-\u001f\u007f]{8,10000}$/.test(text) ? text : null;
}

export function textAt(json: unknown, { pointer: where, after, encoding }: Place): string | null {
  const found = at(json, where)?.value;
  const plain = typeof found === 'number' && Number.isSafeInteger(found) ? String(found) : found;
  if (typeof plain !== 'string') return null;
  let text: string = plain;
  if (after !== undefined) {
    const from = text.lastIndexOf(after);
    if (from === -1) return null;
    text = text.slice(from + after.length);
  }
  if (encoding === 'base64') text = Buffer.from(text, 'base64').toString('utf8');
  return text === '' ? null : text;
}

/** @returns null for what is no instant */
function instantAt(json: unknown, where: string): Millis | null {
  const found = at(json, where)?.value;
  if (typeof found === 'number' && Number.isFinite(found) && found > 0)
    return found < 1e11 ? found * 1000 : found;
  const instant = typeof found === 'string' && /\d/.test(found) ? Date.parse(found) : Number.NaN;
  return Number.isNaN(instant) ? null : instant;
}
