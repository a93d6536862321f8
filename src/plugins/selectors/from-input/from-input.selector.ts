import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { SelectedItem } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Db } from '../../../platform/database/transactions.ts';

const item = z.object({
  key: z.string().min(1).max(200),
  label: z.string().max(200),
  subject: z.object({ kind: z.string(), id: z.string() }),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).default({}),
  lane: z.string().max(200).optional(),
  priority: z.number().min(0).max(1000).default(500),
});
const items = z.array(item);

type Request = Parameters<Selector['page']>[1];

/** The list that whoever started the run put into its input as `items`: a run over things chosen by hand. */
@Injectable()
export class FromInputSelector implements Selector {
  readonly name = 'from-input';
  readonly title = 'What was chosen at the start';

  async page(_db: Db, request: Request): Promise<{ items: SelectedItem[]; next: string | null }> {
    const all = chosen(request.input);
    const from = request.cursor === null ? 0 : Number(request.cursor);
    const to = from + request.limit;
    return { items: all.slice(from, to), next: to < all.length ? String(to) : null };
  }

  async count(_db: Db, request: Pick<Request, 'input'>): Promise<number> {
    return chosen(request.input).length;
  }
}

/** Riskiest first; ties in the order given. An input without a list chooses nothing. */
function chosen(input: Readonly<Record<string, unknown>>): SelectedItem[] {
  const parsed = items.safeParse(input['items'] ?? []);
  return parsed.success ? parsed.data.sort((a, b) => b.priority - a.priority) : [];
}
