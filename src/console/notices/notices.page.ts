import { Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import { err } from '../../kernel/result.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { NoticeTemplates, textOf } from '../../domain/notices/notice-templates.ts';
import { attemptsOf, findNotice, listNotices } from '../../domain/notices/notices.queries.ts';
import { StuckNotices } from '../../domain/notices/stuck-notices.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { listed, PAGE_SIZE, readTimeCursor, timeCursor } from '../shared/paging.tsx';
import { reference, searchAfter } from '../shared/search.ts';
import { noticeTotals, subjectsOf, textSourceOf, type TextSource } from './notices.queries.ts';
import { NoticesView, NoticeView } from './notices.view.tsx';

const search = z.object({
  show: z.enum(['all', 'open', 'missed', 'met']).catch('all'),
  incident: reference.optional().catch(undefined),
  after: searchAfter,
});

@ConsolePage()
export class NoticesPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly templates: NoticeTemplates,
    private readonly stuck: StuckNotices,
  ) {}

  @Get('notices')
  @Permission('notices:read', { face: 'console' })
  async list(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const { show, incident, after } = search.parse(query);
    const from = readTimeCursor(after);
    const { rows, totals } = await this.transactions.run(by, async (db) => ({
      rows: await listNotices(db, {
        ...(incident ? { subjectIds: await subjectsOf(db, incident) } : {}),
        ...(show === 'all' ? {} : { timeliness: show }),
        ...(from ? { after: { createdAt: from.at.getTime(), id: from.id } } : {}),
        limit: PAGE_SIZE + 1,
      }),
      totals: await noticeTotals(db),
    }));
    const page = listed(rows, ({ createdAt, id }) => timeCursor(createdAt, id));
    return shows((frame) => NoticesView({ frame, show, incident, page, totals, first: !after }));
  }

  @Get('notices/:reference')
  @Permission('notices:read', { face: 'console' })
  async one(@Param('reference', { schema: reference }) name: string, @By() by: Principal): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const source = await textSourceOf(db, name);
      const notice = source && (await findNotice(db, source.id));
      if (!notice)
        throw new Refused(
          refusal('not_found', 'not-found', 'There is no such notice, or it is not yours to see.'),
        );
      return { notice, source, attempts: await attemptsOf(db, notice.id) };
    });
    return shows((frame) => NoticeView({ frame, ...model, letter: this.#letterOf(model.source) }));
  }

  @Post('notices/:reference/retry')
  @Permission('operations:act', { face: 'console' })
  async retry(@Param('reference', { schema: reference }) name: string, @By() by: Principal): Promise<Answer> {
    const source = await this.transactions.run(by, (db) => textSourceOf(db, name));
    const done = source
      ? await this.stuck.retry(source.id, by)
      : err(refusal('not_found', 'not-found', 'There is no such notice.'));
    return goes(
      '/work?show=stuck',
      done.ok ? { tone: 'dead', text: `${name} is tried now.` } : { tone: 'live', text: done.error.message },
    );
  }

  /** @returns undefined where its facts no longer fill its template: the rest of the page still stands. */
  #letterOf(source: TextSource): { subject: string; text: string } | undefined {
    try {
      const { subject, text } = textOf(this.templates, source);
      return { subject, text };
    } catch {
      return undefined;
    }
  }
}
