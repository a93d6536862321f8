import { Get, Query } from '@nestjs/common';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { accountableParties, portfolioMatrix } from '../../domain/responsibility/portfolio-matrix.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor } from '../shared/paging.tsx';
import { filterOf, portfolioQuery } from './matrix.schema.ts';
import { PortfolioMatrixView } from './portfolio-matrix.view.tsx';

/** Integrations against duties: who answers, and where nobody does. */
@ConsolePage()
export class PortfolioMatrixPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('matrices')
  @Permission('matrices:read', { face: 'console' })
  async show(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const asked = portfolioQuery.parse(query ?? {});
    const after = readCursor(asked.after);
    const { rows, parties } = await this.transactions.run(by, async (db) => ({
      rows: await portfolioMatrix(
        db,
        {
          ...filterOf(asked),
          after: after && { name: after.key, id: after.id },
          limit: PAGE_SIZE + 1,
        },
        this.clock.now(),
      ),
      parties: await accountableParties(db),
    }));
    const page = listed(rows, ({ name, id }) => cursorText({ key: name, id }));
    return shows((frame) => PortfolioMatrixView({ frame, asked, page, parties }));
  }
}
