import { createHash } from 'node:crypto';
import type { Refusal } from '../../kernel/errors.ts';
import { HOUR, type Millis } from '../../kernel/time.ts';
import { STALE, oneLine } from './delivery.rules.ts';

/** Why a delivery was turned away. */
export const WHYS = [
  'unknown-source',
  'no-key',
  'not-signed',
  'stale',
  'switched-off',
  'over-quota',
  'too-large',
  'unreadable',
  'conflicting',
] as const;
export type Why = (typeof WHYS)[number];

/** What is known of a delivery when it is turned away. */
export interface Knock {
  headers: Readonly<Record<string, string | undefined>>;
  /** Absent: not a byte of it was read, or not to its end. */
  body?: Buffer;
}

/** What the log keeps of it. */
export interface Turned {
  why: Why;
  /** For people; never a word of the body. */
  said: string;
  size: number | null;
  sha256: Buffer | null;
  headers: Record<string, string>;
}

/** Of a refusal behind the door: the ones before it, of addresses without a source and sources without a key, are named by the door. */
export function whyOf(refused: Refusal): Why {
  if (refused.code === STALE.code) return 'stale';
  switch (refused.kind) {
    case 'unauthenticated':
      return 'not-signed';
    case 'forbidden':
      return 'switched-off';
    case 'too_many':
      return 'over-quota';
    case 'too_large':
      return 'too-large';
    case 'conflict':
      return 'conflicting';
    default:
      return 'unreadable';
  }
}

export function turned(why: Why, refused: Refusal, knock: Knock): Turned {
  const [first] = refused.fields ?? [];
  const place = why === 'unreadable' && first ? ` ${first.field}: ${first.problem}` : '';
  const announced = Number(knock.headers['content-length'] ?? Number.NaN);
  return {
    why,
    said: oneLine(`${refused.message}${place}`, 400),
    size: knock.body?.length ?? (Number.isSafeInteger(announced) && announced >= 0 ? announced : null),
    sha256: knock.body ? createHash('sha256').update(knock.body).digest() : null,
    headers: harmless(knock.headers),
  };
}

/**
 * Headers that say what a sender is and what it thinks that it sends. Of the others, which may hold a token or a
 * signature, not even the name is kept: it is as free as the value.
 */
const HARMLESS = new Set([
  'content-type',
  'content-encoding',
  'content-length',
  'user-agent',
  'webhook-id',
  'webhook-timestamp',
  'x-github-event',
  'x-github-delivery',
  'x-github-hook-id',
  'github-public-key-identifier',
  'x-gitlab-event',
  'x-gitlab-webhook-uuid',
  'gitguardian-timestamp',
  'timestamp',
]);
const LONGEST_HEADER = 120;

function harmless(headers: Knock['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value !== undefined && HARMLESS.has(name) ? [[name, oneLine(value, LONGEST_HEADER)] as const] : [],
    ),
  );
}

/** Single rows of one source and reason in an hour, in each process; what is beyond is only counted. */
export const MOST_AN_HOUR = 20;

/**
 * Which of the refused deliveries are kept one by one: the first few of each hour and kind. Whoever sends a million of
 * them gets a number, and no disk.
 */
export class Samples {
  readonly #kept = new Map<string, { hour: number; kept: number }>();

  /** Whether this one is kept; asked once for each. */
  takes(key: string, now: Millis): boolean {
    const hour = Math.floor(now / HOUR);
    const known = this.#kept.get(key);
    if (known?.hour !== hour) {
      for (const [other, { hour: then }] of this.#kept) if (then !== hour) this.#kept.delete(other);
      this.#kept.set(key, { hour, kept: 1 });
      return true;
    }
    if (known.kept >= MOST_AN_HOUR) return false;
    known.kept += 1;
    return true;
  }
}
