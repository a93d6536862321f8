import { Get, Query } from '@nestjs/common';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, readCursor } from '../shared/paging.tsx';
import { listIntegrations, listSuppliers, portfolioTotals } from './portfolio.queries.ts';
import { portfolioSearch } from './portfolio.schema.ts';
import { PortfolioView, SuppliersView } from './portfolio.view.tsx';

@ConsolePage()
export class PortfolioPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('portfolio')
  @Permission('portfolio:read', { face: 'console' })
  async integrations(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const asked = portfolioSearch.parse(query);
    const now = this.clock.now();
    const { rows, totals } = await this.transactions.run(by, async (db) => ({
      rows: await listIntegrations(
        db,
        {
          ...asked,
          q: asked.q || undefined,
          state: asked.state || undefined,
          pass: asked.pass || undefined,
          supplier: asked.supplier || undefined,
          trouble: asked.trouble === '1',
          after: readCursor(asked.after),
        },
        now,
      ),
      totals: await portfolioTotals(db),
    }));
    const page = listed(rows, ({ name, id }) => cursorText({ key: name, id }));
    return shows((frame) => PortfolioView({ frame, asked, page, totals }));
  }

  @Get('portfolio/suppliers')
  @Permission('portfolio:read', { face: 'console' })
  async suppliers(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    // A party sees itself among the suppliers, and nobody's connections.
    if (by.partyId !== null) return goes('/portfolio');
    const asked = portfolioSearch.parse(query);
    const now = this.clock.now();
    const rows = await this.transactions.run(by, (db) =>
      listSuppliers(db, { q: asked.q || undefined, after: readCursor(asked.after) }, now),
    );
    const page = listed(rows, ({ name, id }) => cursorText({ key: name, id }));
    return shows((frame) => SuppliersView({ frame, asked, page }));
  }
}
