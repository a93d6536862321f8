import { z } from 'zod';

/** Where the next page of a list begins: the last row of the page before, by instant and id. Opaque to callers. */
export interface Cursor {
  /** UTC milliseconds. */
  at: number;
  id: string;
}

export function cursorText({ at, id }: Cursor): string {
  return Buffer.from(`${at} ${id}`).toString('base64url');
}

/** A cursor as a list gave it. */
export const cursorSchema = z
  .string()
  .max(200)
  .transform((text, context): Cursor => {
    const [, at, id] =
      /^(\d{1,15}(?:\.\d{1,6})?) ([0-9a-f-]{36})$/.exec(Buffer.from(text, 'base64url').toString('latin1')) ??
      [];
    if (at === undefined || id === undefined) {
      context.addIssue({ code: 'custom', message: 'is no cursor that a list gave' });
      return z.NEVER;
    }
    return { at: Number(at), id };
  });

/** How many rows a page may have. */
export const pageLimit = z.coerce.number().int().min(1).max(200).default(50);

/** The same for lists that are sorted by name. */
export interface NameCursor {
  name: string;
  id: string;
}

export function nameCursorText({ name, id }: NameCursor): string {
  return Buffer.from(`${id} ${name}`).toString('base64url');
}

export const nameCursorSchema = z
  .string()
  .max(2000)
  .transform((text, context): NameCursor => {
    const [, id, name] =
      /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (.{1,500})$/su.exec(
        Buffer.from(text, 'base64url').toString('utf8'),
      ) ?? [];
    if (id === undefined || name === undefined || name.includes('\u0000') || !name.isWellFormed()) {
      context.addIssue({ code: 'custom', message: 'is no cursor that a list gave' });
      return z.NEVER;
    }
    return { name, id };
  });

/** Filters that every list of named things takes. */
export const namedListQuery = {
  text: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .refine((text) => !text.includes('\u0000') && text.isWellFormed(), 'must be well-formed text')
    .optional()
    .describe('Part of the name, the reference or the key'),
  source: z.string().min(1).max(200).optional().describe('Whose key'),
  key: z.string().min(1).max(200).optional().describe('The key that the source gave'),
  cursor: nameCursorSchema.optional(),
  limit: pageLimit,
};

/** One page of a list by name; asked for one row more than it shows, so that the end is known. */
export function pageByName<K extends string, T extends { id: string } & Record<K, string>>(
  rows: T[],
  limit: number,
  by: K,
): { page: T[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { page, next: last && rows.length > limit ? nameCursorText({ name: last[by], id: last.id }) : null };
}
