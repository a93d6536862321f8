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
