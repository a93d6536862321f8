import { Body, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { reusedValues, sharedCredentials } from '../../domain/credentials/reuse.queries.ts';
import { shadowGroups } from '../../domain/exposures/shadows.queries.ts';
import { IntegrationsService } from '../../domain/integrations/integrations.service.ts';
import { line } from '../../domain/parties/fields.schema.ts';
import { inventory, unownedIntegrations } from '../../domain/portfolio/inventory.queries.ts';
import { oddUses } from '../../domain/usage/odd-uses.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { readForm } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor } from '../shared/paging.tsx';
import { searchAfter, searchText } from '../shared/search.ts';
import { InventoryView, UnownedView } from './inventory.view.tsx';
import { ReuseView, ShadowsView } from './findings.view.tsx';

const query = z.object({ q: searchText, after: searchAfter });
const declareForm = z.object({ finding: z.string().regex(/^[0-9a-f]{32}$/), name: line(200) });
const MOST = 200;

/** The register of credentials, and what does not fit into it. */
@ConsolePage()
export class InventoryPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly integrations: IntegrationsService,
  ) {}

  @Get('inventory')
  @Permission('portfolio:read', { face: 'console' })
  async register(@Query() asked: unknown, @By() by: Principal): Promise<Answer> {
    const { q, after } = query.parse(asked);
    const cursor = readCursor(after);
    const rows = await this.transactions.run(by, (db) =>
      inventory(
        db,
        {
          text: q || undefined,
          after:
            cursor && /^\d{1,4}$/.test(cursor.key) ? { risk: Number(cursor.key), id: cursor.id } : undefined,
          limit: PAGE_SIZE + 1,
        },
        this.clock.now(),
      ),
    );
    const page = listed(rows, ({ risk, id }) => cursorText({ key: String(risk), id }));
    return shows((frame) => InventoryView({ frame, page, q, first: after === undefined }));
  }

  @Get('inventory/unowned')
  @Permission('portfolio:read', { face: 'console' })
  async unowned(@By() by: Principal): Promise<Answer> {
    const rows = await this.transactions.run(by, (db) => unownedIntegrations(db, MOST));
    return shows((frame) => UnownedView({ frame, rows }));
  }

  @Get('inventory/reuse')
  @Permission('exposures:read', { face: 'console' })
  async reuse(@By() by: Principal): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => ({
      reused: await reusedValues(db, { limit: MOST }),
      shared: await sharedCredentials(db, MOST),
    }));
    return shows((frame) => ReuseView({ frame, ...model }));
  }

  @Get('inventory/shadows')
  @Permission('exposures:read', { face: 'console' })
  async shadows(@By() by: Principal): Promise<Answer> {
    const now = this.clock.now();
    const model = await this.transactions.run(by, async (db) => ({
      groups: (await shadowGroups(db, now)).slice(0, MOST),
      uses: await oddUses(db, now, MOST),
    }));
    return shows((frame) => ShadowsView({ frame, ...model }));
  }

  @Post('inventory/shadows')
  @Permission('portfolio:write', { face: 'console' })
  async declare(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const read = readForm(declareForm, body);
    if (!read.ok)
      return goes('/inventory/shadows', { tone: 'live', text: 'Give the integration a name of one line.' });
    const { finding, name } = read.value;
    const declared = await this.transactions.run(by, async (db) => {
      const found = (await shadowGroups(db, this.clock.now())).find((group) => group.finding === finding);
      if (!found) return undefined;
      const purpose = `Found through ${found.reports} reports of ${found.source}${found.place ? `, at ${found.place}` : ''}.`;
      return this.integrations.declareShadow(db, { name, purpose, finding }, by);
    });
    if (!declared?.ok)
      return goes('/inventory/shadows', { tone: 'live', text: 'There is no such finding now.' });
    return goes(`/integrations/${declared.value.reference}/edit`, {
      tone: 'wait',
      text: 'It is in the inventory now. Name an owner, or it is quarantined after a day.',
    });
  }
}
