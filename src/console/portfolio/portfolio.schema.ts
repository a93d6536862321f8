import { z } from 'zod';
import { searchAfter, searchFlag, searchText } from '../shared/search.ts';

/** What stands in the address; a value that says nothing is left out, not refused. */
export const portfolioSearch = z.object({
  q: searchText,
  state: searchText,
  pass: searchText,
  tier: z.coerce.number().int().min(1).max(4).optional().catch(undefined),
  supplier: searchText,
  trouble: searchFlag,
  after: searchAfter,
});
export type PortfolioSearch = z.infer<typeof portfolioSearch>;
