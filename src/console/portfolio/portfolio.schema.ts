import { z } from 'zod';

const text = z.string().trim().max(200).optional().catch(undefined);

/** What stands in the address; a value that says nothing is left out, not refused. */
export const portfolioSearch = z.object({
  q: text,
  state: text,
  pass: text,
  tier: z.coerce.number().int().min(1).max(4).optional().catch(undefined),
  supplier: text,
  trouble: z.literal('1').optional().catch(undefined),
  after: z.string().max(2000).optional().catch(undefined),
});
export type PortfolioSearch = z.infer<typeof portfolioSearch>;
