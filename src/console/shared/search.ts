import { z } from 'zod';

/** What somebody typed to search for. A control character in it finds nothing, and Postgres refuses one of them. */
export const searchText = z
  .string()
  .transform((text) =>
    text
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim()
      .slice(0, 200),
  )
  .optional()
  .catch(undefined);

export const searchFlag = z.literal('1').optional().catch(undefined);

/** Where the page of a list begins; see `paging.tsx`. */
export const searchAfter = z.string().max(2000).optional().catch(undefined);

/** A short reference in an address: `INC-2026-0042`. */
export const reference = z.string().regex(/^[A-Z]{2,5}-\d{4}-\d{1,9}$/);
