import { Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { HandledAlerts } from '../../domain/notices/handled-alerts.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { listed, readTimeCursor, timeCursor } from '../shared/paging.tsx';
import { searchAfter } from '../shared/search.ts';
import { listAlerts } from './alerts.queries.ts';
import { AlertsView } from './alerts.view.tsx';

const search = z.object({ show: z.enum(['open', 'handled']).catch('open'), after: searchAfter });

@ConsolePage()
export class AlertsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly alerts: HandledAlerts,
  ) {}

  @Get('alerts')
  @Permission('operations:read', { face: 'console' })
  async show(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const { show, after } = search.parse(query);
    const rows = await this.transactions.run(by, (db) =>
      listAlerts(db, { handled: show === 'handled', after: readTimeCursor(after) }),
    );
    const page = listed(rows, ({ lastAt, id }) => timeCursor(lastAt, id));
    return shows((frame) => AlertsView({ frame, show, page, first: !after }));
  }

  @Post('alerts/:id/handled')
  @Permission('operations:act', { face: 'console' })
  async handled(@Param('id', { schema: z.uuid() }) id: string, @By() by: Principal): Promise<Answer> {
    const done = await this.alerts.handle(id, by);
    return goes(
      '/alerts',
      done.ok ? { tone: 'dead', text: 'Marked as handled.' } : { tone: 'live', text: done.error.message },
    );
  }
}
