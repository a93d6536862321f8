/** An instant, in milliseconds of UTC since 1970-01-01T00:00:00Z. Storage and arithmetic use nothing else. */
export type Millis = number;

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
/** Twenty-four elapsed hours. Never a calendar day: those are computed with a zone, in `calendar.ts`. */
export const ELAPSED_DAY = 24 * HOUR;

/** RFC 3339 in UTC with milliseconds: `2026-11-22T01:58:05.000Z`. */
export function iso(at: Millis): string {
  return new Date(at).toISOString();
}

/** What anybody states of an incident lies after this: an earlier year is a slip of the pen. */
export const EARLIEST: Millis = Date.UTC(2000, 0, 1);

const WITH_OFFSET =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ]([01]\d|2[0-3]):\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * The instant that a text names, or undefined (RFC 3339 section 5.6). A text without an offset names no instant, and a day
 * that its month does not have is none: neither is guessed at.
 */
export function parseInstant(text: string): Millis | undefined {
  const [, year, month, day] = WITH_OFFSET.exec(text)?.map(Number) ?? [];
  if (year === undefined || day! > daysIn(year, month!)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** The same of something that happened, or is said to be known: of this age, and not of another by a slip of the pen. */
export function parseStated(text: string): Millis | undefined {
  const at = parseInstant(text);
  return at === undefined || at < EARLIEST ? undefined : at;
}

/** 31 for what is no month: whoever asks finds out by other means. */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
