import { z } from 'zod';
import { iso, parseInstant } from '../../kernel/time.ts';

/**
 * The kinds of fields that people, files and machines fill in, each with a message that says what it must be. Messages
 * begin with "must" and never repeat the value.
 */

const CONTROL = /\p{Cc}/u;
const wellFormed = (text: string) => text.isWellFormed() && !text.includes('\u0000');

/** One line of text. */
export const line = (most: number) =>
  z
    .string('must be text')
    .min(1, 'must not be empty')
    .max(most, `must have at most ${most} characters`)
    .refine(
      (text) => !CONTROL.test(text) && text.isWellFormed(),
      'must be one line without control characters',
    )
    .refine((text) => text === '' || text.trim() !== '', 'must not be blank');
export const paragraph = (most: number) =>
  z
    .string('must be text')
    .max(most, `must have at most ${most} characters`)
    .refine(wellFormed, 'must be well-formed text');

export const keySchema = line(200).refine(
  (text) => text.trim() === text,
  'must not begin or end with a blank',
);
const MOST_ITEMS = 2000;
export const listOf = <T extends z.ZodType>(item: T) =>
  z.array(item, 'must be a list').max(MOST_ITEMS, `must have at most ${MOST_ITEMS} items`);

export const oneOf = <const T extends readonly string[]>(words: T) =>
  z.enum(words, `must be one of: ${words.join(', ')}`);
export const whole = (least: number, most: number) =>
  z
    .number(`must be a whole number from ${least} to ${most}`)
    .int(`must be a whole number from ${least} to ${most}`)
    .min(least, `must be at least ${least}`)
    .max(most, `must be at most ${most}`);
export const yesNo = z.boolean('must be true or false');

export const instant = z
  .string('must be an instant, e.g. 2026-11-22T01:58:05Z')
  .refine(
    (text) => parseInstant(text) !== undefined,
    'must be an instant with its offset from UTC, e.g. 2026-11-22T01:58:05Z',
  )
  .transform((text) => iso(parseInstant(text) ?? 0))
  .pipe(z.iso.datetime())
  .meta({ format: 'date-time' });
export const date = z.iso.date('must be a date, e.g. 2026-12-31');

const zones = new Map<string, boolean>();
/** Whether this platform knows a time zone by that name (IANA). */
export function isZone(name: string): boolean {
  let known = zones.get(name);
  if (known === undefined) {
    try {
      const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
      known = timeZone !== '' && /^[A-Za-z]/.test(name); // an offset is no zone: it knows no summer
    } catch {
      known = false;
    }
    if (zones.size < 2000) zones.set(name, known);
  }
  return known;
}
export const zone = line(64).refine(isZone, 'must be a time zone by its IANA name, e.g. Europe/Berlin');
export const language = line(35).regex(
  /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/,
  'must be a language tag, e.g. en or pt-BR',
);
// Local part and domain without blanks, controls or anything that could split an address list.
export const email = line(254).regex(
  /^[^\s"(),:;<>@[\\\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/,
  'must be one mail address',
);
export const sha256 = z
  .string('must be the SHA-256 of the value as 64 hexadecimal digits')
  .regex(/^[0-9a-fA-F]{64}$/, 'must be the SHA-256 of the value as 64 hexadecimal digits')
  .transform((text) => text.toLowerCase());
export const webUrl = line(500)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const url = new URL(text);
    return (
      ['http:', 'https:'].includes(url.protocol) &&
      url.username === '' &&
      url.password === '' &&
      url.search === '' &&
      url.hash === ''
    );
  }, 'must be an http or https URL without user, query and fragment')
  .transform((text) => new URL(text).href.replace(/\/+$/, ''))
  .pipe(z.string());

/** An address that we call. Its query may be part of it, and may be a secret. */
export const calledUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(2000)
  // What is no URL at all was said above, and the check goes on all the same.
  .refine((text) => !URL.canParse(text) || isBare(new URL(text)), 'must have no user, password and fragment');

function isBare({ username, password, hash }: URL): boolean {
  return username === '' && password === '' && hash === '';
}
