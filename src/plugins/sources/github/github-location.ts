import { z } from 'zod';
import type { FoundAt } from '../../../domain/exposures/source.ts';

/** A place as both the webhook and the API tell it: 13 types today, each with an URL of its own name. */
export const locationSchema = z.object({
  type: z.string().max(100),
  details: z.record(z.string(), z.unknown()),
});

export function locationOf({ type, details }: z.output<typeof locationSchema>): FoundAt {
  const text = (name: string) => (typeof details[name] === 'string' ? details[name] : undefined);
  const line = details['start_line'];
  return {
    type,
    url:
      text('html_url') ?? text('commit_url') ?? text('page_url') ?? text(`${type}_url`) ?? text('blob_url'),
    path: text('path'),
    line:
      typeof line === 'number' && Number.isInteger(line) && line >= 0 && line < 2_000_000_000
        ? line
        : undefined,
  };
}
