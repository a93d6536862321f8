import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { AssignGaps, Assigned } from './matrix-bulk.schema.ts';
import { MatrixDraftsService } from './matrix-drafts.service.ts';

type Outcome = Assigned['outcomes'][number];

/** The same decision for the gaps of many integrations; each has its own draft, and what one refuses holds up no other. */
@Injectable()
export class MatrixAssignments {
  constructor(
    private readonly transactions: Transactions,
    private readonly drafts: MatrixDraftsService,
  ) {}

  async fillGaps(asked: AssignGaps, by: Principal): Promise<Outcome[]> {
    const { accountable, contactRole } = asked;
    const ids = asked.integrations.map(({ id }) => id);
    const heads = await this.transactions.run(by, (db) =>
      db.query<{ id: Id; reference: string; name: string }[]>(
        'SELECT id, reference, name FROM integration WHERE id = ANY($1)',
        [ids],
      ),
    );
    const outcomes: Outcome[] = [];
    // One after the other: each is a short transaction, and two of one caller would only wait for each other.
    for (const { id, rowVersion, duties } of asked.integrations) {
      const head = heads.find((one) => one.id === id);
      const of = { integrationId: id, reference: head?.reference ?? null, name: head?.name ?? null };
      const edited = await this.drafts.fillGaps(id, { duties, accountable, contactRole }, rowVersion, by);
      if (!edited.ok) {
        const { code, message, fields = [] } = edited.error;
        const refused = {
          code,
          message,
          fields: fields.map(({ field, problem, mend }) => ({ field, problem, mend })),
        };
        outcomes.push({ ...of, rowVersion, named: [], leftOut: [], fell: false, refused });
        continue;
      }
      const { leftOut, fell } = edited.value;
      const left = new Set(leftOut.map(({ duty }) => duty));
      outcomes.push({
        ...of,
        rowVersion: edited.value.rowVersion,
        named: duties.filter((duty) => !left.has(duty)),
        leftOut,
        fell: fell.length > 0,
        refused: null,
      });
    }
    return outcomes;
  }
}
