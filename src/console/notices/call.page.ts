import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { instantIn, isZone } from '../../kernel/calendar.ts';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { CallsService } from '../../domain/notices/calls.service.ts';
import { attemptsOf, findNotice } from '../../domain/notices/notices.queries.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { textSourceOf } from './notices.queries.ts';
import { CallView } from './call.view.tsx';

const name = { schema: reference };
const callForm = z
  .object({
    contactId: z.uuid('Choose whom you called.'),
    at: z.string().min(1, 'Say when you called.'),
    zone: z.string().refine(isZone, 'There is no such time zone.'),
    outcome: z.enum(['heard', 'nobody'], 'Say what came of it.'),
    answeredBy: z.string().trim().max(200, 'At most 200 characters.').default(''),
    note: z.string().trim().max(500, 'At most 500 characters.').default(''),
    code: z.string().trim().max(12, 'Six digits.').default(''),
    nextAction: z.string().trim().max(500, 'At most 500 characters.').default(''),
  })
  .refine(({ outcome, answeredBy }) => outcome === 'nobody' || answeredBy !== '', {
    path: ['answeredBy'],
    message: 'Say who answered and heard it.',
  });

/** Telling somebody by phone: what to say, whom to call, and what came of it. */
@ConsolePage()
export class CallPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly calls: CallsService,
  ) {}

  @Get('notices/:reference/call')
  @Permission('notices:write', { face: 'console' })
  show(@Param('reference', name) notice: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(notice, by);
  }

  @Post('notices/:reference/call')
  @Permission('notices:write', { face: 'console' })
  @PerMinute(30)
  async record(
    @Param('reference', name) notice: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = typedIn(body);
    const read = readForm(callForm, form);
    if (!read.ok) return this.#draw(notice, by, { form, problems: read.error });
    const { contactId, at: local, zone, outcome, answeredBy, note, code, nextAction } = read.value;
    const at = instantIn(local, zone);
    if (at === undefined)
      return this.#draw(notice, by, { form, problems: { at: 'There is no such date or time.' } });
    const { id } = await this.#notice(notice, by);
    const call = {
      contactId,
      at: iso(at),
      answeredBy: outcome === 'heard' ? answeredBy : null,
      note,
      code,
      nextAction,
    };
    const done = await this.calls.record(id, call, by);
    if (!done.ok)
      return this.#draw(notice, by, { form, problems: problemsOf(done.error.message, done.error.fields) });
    return outcome === 'heard'
      ? goes(`/notices/${notice}`, {
          tone: 'dead',
          text:
            code === ''
              ? 'They were told by phone.'
              : 'They were told, and acknowledged it by phone: a second channel.',
        })
      : goes(`/notices/${notice}/call`, {
          tone: 'wait',
          text: 'Nobody answered: it is on record. Call the next.',
        });
  }

  async #draw(
    notice: string,
    by: Principal,
    bad?: { form: Record<string, string>; problems: FormProblems },
  ): Promise<Answer> {
    const found = await this.#notice(notice, by);
    const script = await this.calls.script(found.id, by);
    if (!script.ok) throw new Refused(script.error);
    const attempts = await this.transactions.run(by, (db) => attemptsOf(db, found.id));
    const calls = attempts.filter(({ channel }) => channel === 'phone');
    return shows(
      (frame) =>
        CallView({
          frame,
          notice: found,
          ...script.value,
          calls,
          form: bad?.form ?? { at: iso(frame.now).slice(0, 16), zone: 'UTC' },
          problems: bad?.problems ?? {},
        }),
      bad ? 422 : 200,
    );
  }

  async #notice(notice: string, by: Principal) {
    const found = await this.transactions.run(by, async (db) => {
      const source = await textSourceOf(db, notice);
      return source && findNotice(db, source.id);
    });
    if (!found)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such notice, or it is not yours to see.'),
      );
    return found;
  }
}
