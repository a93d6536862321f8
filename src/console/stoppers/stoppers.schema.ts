import { z } from 'zod';
import { reference, searchAfter, searchFlag, searchText } from '../shared/search.ts';

const name = reference.optional().catch(undefined);
export const stoppersSearch = z.object({
  q: searchText,
  supplier: name,
  integration: name,
  party: name,
  trouble: searchFlag,
  after: searchAfter,
});
export type StoppersSearch = z.output<typeof stoppersSearch>;
