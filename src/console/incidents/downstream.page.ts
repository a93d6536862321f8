import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { downstreamItems } from '../../domain/incidents/downstream.queries.ts';
import {
  reopenDownstreamSchema,
  settleDownstreamSchema,
  type DownstreamItemView,
} from '../../domain/incidents/downstream.schema.ts';
import { DownstreamService } from '../../domain/incidents/downstream.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { listed, PAGE_SIZE, readTimeCursor, timeCursor } from '../shared/paging.tsx';
import { reference, searchAfter } from '../shared/search.ts';
import { DownstreamItemPageView, DownstreamListView, type RefusedItem } from './downstream.view.tsx';

const search = z.object({
  show: z.enum(['open', 'settled']).catch('open'),
  incident: reference.optional().catch(undefined),
  after: searchAfter,
});
const id = { schema: z.uuid() };

/** What exposed credentials reached: the whole of it for the operator, for a party what is its own to look at. */
@ConsolePage()
export class DownstreamPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly downstream: DownstreamService,
    private readonly clock: Clock,
  ) {}

  @Get('downstream')
  @Permission('cases:read', { face: 'console' })
  async list(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const { show, incident: named, after } = search.parse(query);
    const from = readTimeCursor(after);
    const found = await this.transactions.run(by, async (db) => {
      const [incident] = named
        ? await db.query<{ id: Id; reference: string; title: string }[]>(
            `SELECT id, reference, title FROM incident WHERE reference = $1`,
            [named],
          )
        : [];
      if (named && !incident) return { incident: null, items: [] };
      const items = await downstreamItems(
        db,
        {
          ...(incident ? { incidentId: incident.id } : {}),
          state: show,
          ...(from ? { after: { at: from.at.getTime(), id: from.id } } : {}),
          limit: PAGE_SIZE + 1,
        },
        this.clock.now(),
      );
      return { incident: incident ?? null, items };
    });
    const page = listed(found.items, (item) => timeCursor(Date.parse(item.dueAt), item.id));
    return shows((frame) =>
      DownstreamListView({ frame, show, incident: found.incident, page, first: !after }),
    );
  }

  @Get('downstream/:id')
  @Permission('cases:read', { face: 'console' })
  show(@Param('id', id) itemId: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(itemId, by);
  }

  @Post('downstream/:id')
  @Permission('statements:sign', { face: 'console' })
  async settle(@Param('id', id) itemId: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(settleDownstreamSchema, body);
    if (!read.ok) return this.#draw(itemId, by, { problems: read.error, typed });
    return this.#changed(itemId, by, await this.downstream.settle(itemId, read.value, by), typed);
  }

  @Post('downstream/:id/reopening')
  @Permission('statements:sign', { face: 'console' })
  async reopen(@Param('id', id) itemId: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(reopenDownstreamSchema, body);
    if (!read.ok) return this.#draw(itemId, by, { problems: read.error, typed });
    return this.#changed(itemId, by, await this.downstream.reopen(itemId, read.value.reason, by), typed);
  }

  async #changed(
    itemId: string,
    by: Principal,
    done: Result<unknown, Refusal>,
    typed: RefusedItem['typed'],
  ): Promise<Answer> {
    if (done.ok) return goes(`/downstream/${itemId}`, { tone: 'dead', text: 'It is on record.' });
    if (done.error.kind === 'not_found') throw new Refused(done.error);
    return this.#draw(itemId, by, { problems: problemsOf(done.error.message, done.error.fields), typed });
  }

  async #draw(itemId: string, by: Principal, refused?: RefusedItem): Promise<Answer> {
    const [item] = await this.transactions.run(by, (db) =>
      downstreamItems(db, { id: itemId, limit: 1 }, this.clock.now()),
    );
    if (!item)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such item, or it is not yours to see.'),
      );
    const shown: DownstreamItemView = item;
    return shows(
      (frame) => DownstreamItemPageView({ frame, item: shown, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }
}
