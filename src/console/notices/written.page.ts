import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import {
  decideWrittenSchema,
  editWrittenSchema,
  type WrittenView,
} from '../../domain/notices/written-notice.schema.ts';
import { writtenNotices, WrittenNotices } from '../../domain/notices/written-notices.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { dutiesTold, writtenTo, writtenBy } from './notices.queries.ts';
import { WrittenListView, WrittenView as View } from './written.view.tsx';

const id = { schema: z.uuid() };

/** Notices that people write for one occasion: drafted from what was told last, approved by somebody else. */
@ConsolePage()
export class WrittenPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly written: WrittenNotices,
  ) {}

  @Get('written-notices')
  @Permission('notices:write', { face: 'console' })
  async list(@By() by: Principal): Promise<Answer> {
    const notices = await this.transactions.run(by, (db) => writtenNotices(db, { limit: 100 }));
    return shows((frame) => WrittenListView({ frame, notices }));
  }

  /** To whoever a notice went, about the same. */
  @Post('notices/:reference/write')
  @Permission('notices:write', { face: 'console' })
  async draft(@Param('reference', { schema: reference }) name: string, @By() by: Principal): Promise<Answer> {
    const done = await this.transactions.run(by, async (db) => {
      const to = await writtenTo(db, name);
      if (!to)
        throw new Refused(
          refusal('not_found', 'not-found', 'There is no such notice, or it is for no contact.'),
        );
      return this.written.draft(db, to, by);
    });
    return done.ok
      ? goes(`/written-notices/${done.value.id}`)
      : goes(`/notices/${name}`, { tone: 'live', text: done.error.message });
  }

  @Get('written-notices/:id')
  @Permission('notices:write', { face: 'console' })
  one(@Param('id', id) writtenId: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(writtenId, by);
  }

  @Post('written-notices/:id')
  @Permission('notices:write', { face: 'console' })
  async edit(
    @Param('id', id) writtenId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { rowVersion, ...form } = typedIn(body);
    const read = readForm(editWrittenSchema, {
      ...form,
      text: (form['text'] ?? '').replaceAll('\r\n', '\n'),
    });
    if (!read.ok) return this.#draw(writtenId, by, { form, problems: read.error, status: 422 });
    const done = await this.transactions.run(by, (db) =>
      this.written.edit(db, writtenId, read.value, Number(rowVersion) || 0, by),
    );
    return this.#after(done, writtenId, by, form, 'It is kept.');
  }

  @Post('written-notices/:id/decide')
  @Permission('notices:write', { face: 'console' })
  async decide(
    @Param('id', id) writtenId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = typedIn(body);
    const read = readForm(decideWrittenSchema, {
      send: form['do'] === 'send',
      rowVersion: Number(form['rowVersion']) || 0,
      reason: form['reason'] ?? '',
    });
    if (!read.ok) return this.#draw(writtenId, by, { form, problems: read.error, status: 422 });
    const done = await this.transactions.run(by, (db) => this.written.decide(db, writtenId, read.value, by));
    return this.#after(done, writtenId, by, form, read.value.send ? 'It is sent.' : 'It is refused.');
  }

  #after(
    done: Result<unknown, Refusal>,
    writtenId: string,
    by: Principal,
    form: Record<string, string>,
    text: string,
  ): Promise<Answer> | Answer {
    if (done.ok) return goes(`/written-notices/${writtenId}`, { tone: 'dead', text });
    const { kind, message, fields } = done.error;
    const status = { precondition: 412, conflict: 409, forbidden: 403 }[kind as 'conflict'] ?? 422;
    return this.#draw(writtenId, by, { form, problems: problemsOf(message, fields), status });
  }

  async #draw(
    writtenId: string,
    by: Principal,
    bad?: { form: Record<string, string>; problems: FormProblems; status: number },
  ): Promise<Answer> {
    const found = await this.transactions.run(by, async (db) => {
      const [notice] = await writtenNotices(db, { id: writtenId, limit: 1 });
      return (
        notice && {
          notice,
          mine: (await writtenBy(db, writtenId)) === handOf(by),
          second: await this.written.needsSecond(db, writtenId),
          duties: await dutiesTold(db, writtenId),
        }
      );
    });
    if (!found)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such notice, or it is not yours to see.'),
      );
    const model: {
      notice: WrittenView;
      mine: boolean;
      second: boolean;
      duties: Awaited<ReturnType<typeof dutiesTold>>;
    } = found;
    return shows(
      (frame) =>
        View({
          frame,
          ...model,
          form: bad?.form ?? { subject: model.notice.subject, text: model.notice.text },
          problems: bad?.problems ?? {},
        }),
      bad?.status ?? 200,
    );
  }
}
