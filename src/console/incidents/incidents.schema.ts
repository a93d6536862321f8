import { z } from 'zod';
import { searchAfter, searchFlag, searchText } from '../shared/search.ts';

export const incidentSearch = z.object({
  q: searchText,
  state: searchText,
  open: searchFlag,
  after: searchAfter,
});
export type IncidentSearch = z.infer<typeof incidentSearch>;
