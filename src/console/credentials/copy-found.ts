import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Db, Transactions } from '../../platform/database/transactions.ts';
import { looksAt, type ShownLook } from '../incidents/answer.queries.ts';
import { copyToMove, type CopyToMove } from '../inventory/new.queries.ts';
import type { FormProblems } from '../shared/forms.tsx';
import { reference } from '../shared/search.ts';

/** Of the pages of one copy: the credential that it is of, and its own id. */
export const OF_CREDENTIAL = { schema: reference };
export const OF_COPY = { schema: z.uuid() };

export interface RefusedForm {
  typed: Readonly<Record<string, string>>;
  problems: FormProblems;
}

/**
 * A copy, who looked at it, and what else a page shows of it, read in one transaction.
 *
 * @throws Refused where there is none, or it is not theirs to see
 */
export async function copyFound<More extends object>(
  transactions: Transactions,
  by: Principal,
  { credential, location }: { credential: string; location: Id },
  more: (db: Db) => Promise<More>,
): Promise<More & { copy: CopyToMove; looks: ShownLook[] }> {
  const found = await transactions.run(by, async (db) => {
    const copy = await copyToMove(db, credential, location);
    return copy && { copy, looks: await looksAt(db, location), ...(await more(db)) };
  });
  if (!found)
    throw new Refused(refusal('not_found', 'not-found', 'There is no such copy, or it is not yours to see.'));
  return found;
}
