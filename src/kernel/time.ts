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

const WITH_OFFSET = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$/;

/** The instant that a text names, or undefined. A text without an offset names no instant and is refused. */
export function parseInstant(text: string): Millis | undefined {
  if (!WITH_OFFSET.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
