import { Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { openCheckpoint, parseVkey } from '../../kernel/checkpoint.ts';
import { Refused, refusal } from '../../kernel/errors.ts';
import { isId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { expectOk } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { LedgerService } from '../../domain/ledger/ledger.service.ts';
import { rootAt } from '../../domain/ledger/tree.queries.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { listed } from '../shared/paging.tsx';
import { searchText } from '../shared/search.ts';
import { detailsOf, findEntry, ledgerStanding, listEntries, type LedgerStanding } from './ledger.queries.ts';
import { EntryView, LedgerView, type Check } from './ledger.view.tsx';

const search = z.object({
  kind: searchText,
  subject: z.string().refine(isId).optional().catch(undefined),
  before: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional().catch(undefined),
});

/** The record itself, and whether it is what was signed. */
@ConsolePage()
export class LedgerPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly keys: Keys,
  ) {}

  @Get('ledger')
  @Permission('ledger:read', { face: 'console' })
  async list(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const asked = search.parse(query);
    const model = await this.transactions.run(by, async (db) => {
      const standing = await ledgerStanding(db);
      return {
        standing,
        check: await this.#check(db, standing),
        rows: await listEntries(db, {
          kind: asked.kind || undefined,
          subject: asked.subject,
          before: asked.before,
        }),
      };
    });
    const page = listed(model.rows, ({ n }) => String(n));
    return shows((frame) =>
      LedgerView({
        frame,
        asked,
        page,
        standing: model.standing,
        check: model.check,
        vkey: this.keys.signer().vkey,
      }),
    );
  }

  /** The signature of the newest checkpoint, and the root of the tree as it stands now against what was signed. */
  async #check(db: Db, { checkpoint }: LedgerStanding): Promise<Check> {
    if (!checkpoint) return { state: 'none' };
    const signed = openCheckpoint(checkpoint.note, [expectOk(parseVkey(this.keys.signer().vkey))]);
    if (!signed.ok) return { state: 'bad', why: `the signature does not hold: ${signed.error}` };
    if (signed.value.size !== checkpoint.size || signed.value.root !== checkpoint.root)
      return { state: 'bad', why: 'what is stored beside the signature is not what was signed' };
    try {
      const root = await rootAt(db, checkpoint.size);
      return root === checkpoint.root
        ? { state: 'good' }
        : { state: 'bad', why: 'the tree has another root than was signed' };
    } catch (thrown) {
      return { state: 'bad', why: thrown instanceof Error ? thrown.message : 'the tree cannot be read' };
    }
  }

  @Get('ledger/:id')
  @Permission('ledger:read', { face: 'console' })
  async one(@Param('id', { schema: z.uuid() }) id: string, @By() by: Principal): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const entry = await findEntry(db, id);
      if (!entry) throw new Refused(refusal('not_found', 'not-found', 'The ledger holds no such entry.'));
      const proof = await this.ledger.inclusionProof(db, id);
      return { entry, details: await detailsOf(db, id), proof };
    });
    return shows((frame) => EntryView({ frame, ...model }));
  }
}
