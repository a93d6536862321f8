import { Get, Query } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { stoppersBoard } from '../../domain/revocation/stoppers.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor } from '../shared/paging.tsx';
import { stoppersSearch } from './stoppers.schema.ts';
import { StoppersView } from './stoppers.view.tsx';

@ConsolePage()
export class StoppersPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('stoppers')
  @Permission('portfolio:read', { face: 'console' })
  async board(@Query() asked: unknown, @By() by: Principal): Promise<Answer> {
    const search = stoppersSearch.parse(asked);
    const after = readCursor(search.after);
    const model = await this.transactions.run(by, async (db) => {
      const named = {
        supplier: await idOf(db, 'party', search.supplier),
        integration: await idOf(db, 'integration', search.integration),
        party: await idOf(db, 'party', search.party),
      };
      // A name of nothing finds nothing, not everything.
      const lost = Object.values(named).includes(null);
      const rows = lost
        ? []
        : await stoppersBoard(
            db,
            {
              text: search.q || undefined,
              supplierId: named.supplier?.id,
              integrationId: named.integration?.id,
              partyId: named.party?.id,
              trouble: search.trouble === '1',
              after:
                after && /^\d{1,4}$/.test(after.key) ? { risk: Number(after.key), id: after.id } : undefined,
              limit: PAGE_SIZE + 1,
            },
            this.clock.now(),
          );
      return { named, page: listed(rows, ({ risk, id }) => cursorText({ key: String(risk), id })) };
    });
    return shows((frame) => StoppersView({ frame, search, ...model }));
  }
}

/** What a reference of a filter names; undefined where there is no filter, null where it names nothing. */
async function idOf(
  db: Db,
  table: 'party' | 'integration',
  text: string | undefined,
): Promise<{ id: Id; name: string } | null | undefined> {
  if (text === undefined) return undefined;
  const [row] = await db.query<{ id: Id; name: string }[]>(
    `SELECT id, name FROM ${table} WHERE reference = $1`,
    [text],
  );
  return row ?? null;
}
