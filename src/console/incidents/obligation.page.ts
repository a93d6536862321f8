import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { instantIn } from '../../kernel/calendar.ts';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { CLOCK_EVENTS } from '../../domain/obligations/clock-rule.schema.ts';
import { DutyNotices } from '../../domain/obligations/duty-notices.service.ts';
import { DutiesService } from '../../domain/obligations/duties.service.ts';
import { isStartedByHand } from '../../domain/obligations/duty-clock.rules.ts';
import { register } from '../../domain/obligations/obligations.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { incidentOfObligation, tellableOf } from './obligations.queries.ts';
import { localTime, zoneField } from './obligations.page.ts';
import { ObligationPageView } from './obligation.view.tsx';
import type { RefusedForm } from './supplier-accounts.view.tsx';

const MOST_OF_A_CASE = 500;
const reason = z.string().trim().min(3, 'Say why: it goes on record.').max(2000);
const text = (problem: string) => z.string().trim().min(2, problem).max(300);
const timed = z.object({ at: localTime, zone: zoneField });
const submitForm = timed.extend({
  document: text('Say what was handed in, or where.'),
  reason: z.string().trim().max(2000).default(''),
  everyCase: z.string().optional(),
});
const startForm = timed.extend({ reason });
const reasonForm = z.object({ reason });
const withholdForm = timed.extend({
  authority: text('Name the authority.'),
  document: text('Name the letter.'),
  reason,
});
const tellForm = z.object({ contactId: z.uuid('Choose whom to tell.'), everyCase: z.string().optional() });
const named = { schema: z.uuid() };

/** One obligation: its arithmetic, and what people decide about it. */
@ConsolePage()
export class ObligationPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly duties: DutiesService,
    private readonly notices: DutyNotices,
  ) {}

  @Get('obligations/:id')
  @Permission('incidents:read', { face: 'console' })
  show(@Param('id', named) id: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(id, by);
  }

  @Post('obligations/:id/submit')
  @Permission('incidents:act', { face: 'console' })
  submit(@Param('id', named) id: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    return this.#timed(id, by, 'submit', submitForm, body, ({ document, reason: why, everyCase }, at) =>
      this.duties.submit(id, { at, document, reason: why, everyCase: everyCase === '1' }, by),
    );
  }

  /** Drafts the notice and leads to it: there it is edited, approved and sent. */
  @Post('obligations/:id/notice')
  @Permission('notices:write', { face: 'console' })
  async tell(@Param('id', named) id: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(tellForm, body);
    if (!read.ok) return this.#draw(id, by, { form: 'notice', problems: read.error, typed });
    const { contactId, everyCase } = read.value;
    const done = await this.notices.draft(id, { contactId, everyCase: everyCase === '1' }, by);
    return done.ok
      ? goes(`/written-notices/${done.value.writtenId}`, {
          tone: 'dead',
          text: 'It is drafted with what is known. Read it, and write what is missing.',
        })
      : this.#after(id, by, 'notice', typed, done);
  }

  @Post('obligations/:id/start')
  @Permission('incidents:act', { face: 'console' })
  start(@Param('id', named) id: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    return this.#timed(id, by, 'start', startForm, body, ({ reason: why }, at) =>
      this.duties.start(id, { at, reason: why }, by),
    );
  }

  @Post('obligations/:id/withhold')
  @Permission('incidents:act', { face: 'console' })
  withhold(@Param('id', named) id: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    return this.#timed(
      id,
      by,
      'withhold',
      withholdForm,
      body,
      ({ authority, document, reason: why }, until) =>
        this.duties.withhold(id, { authority, document, until, reason: why }, by),
    );
  }

  @Post('obligations/:id/not-required')
  @Permission('incidents:act', { face: 'console' })
  notRequired(@Param('id', named) id: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    return this.#reasoned(id, by, 'not-required', body, (why) => this.duties.notRequired(id, why, by));
  }

  @Post('obligations/:id/keep')
  @Permission('incidents:act', { face: 'console' })
  keep(@Param('id', named) id: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    return this.#reasoned(id, by, 'keep', body, (why) => this.duties.keep(id, why, by));
  }

  async #timed<T extends { at: string; zone: string }>(
    id: Id,
    by: Principal,
    form: string,
    schema: z.ZodType<T>,
    body: unknown,
    act: (value: T, at: string) => Promise<Result<unknown, Refusal>>,
  ): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(schema, body);
    if (!read.ok) return this.#draw(id, by, { form, problems: read.error, typed });
    const at = instantIn(read.value.at, read.value.zone);
    if (at === undefined)
      return this.#draw(id, by, { form, problems: { at: 'There is no such date or time.' }, typed });
    return this.#after(id, by, form, typed, await act(read.value, iso(at)));
  }

  async #reasoned(
    id: Id,
    by: Principal,
    form: string,
    body: unknown,
    act: (reason: string) => Promise<Result<unknown, Refusal>>,
  ): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(reasonForm, body);
    if (!read.ok) return this.#draw(id, by, { form, problems: read.error, typed });
    return this.#after(id, by, form, typed, await act(read.value.reason));
  }

  #after(
    id: Id,
    by: Principal,
    form: string,
    typed: Readonly<Record<string, string>>,
    done: Result<unknown, Refusal>,
  ): Promise<Answer> | Answer {
    if (done.ok) return goes(`/obligations/${id}`, { tone: 'dead', text: 'It is on record.' });
    if (done.error.kind === 'not_found') throw new Refused(done.error);
    const problems = problemsOf(done.error.message, done.error.fields);
    // The page's word for the end of a delay is its time.
    return this.#draw(id, by, {
      form,
      problems: { ...problems, at: problems['at'] ?? problems['until'] ?? '' },
      typed,
    });
  }

  async #draw(id: Id, by: Principal, refused?: RefusedForm): Promise<Answer> {
    const now = this.clock.now();
    const found = await this.transactions.run(by, async (db) => {
      const incident = await incidentOfObligation(db, id);
      if (!incident) return undefined;
      const { caseId } = incident;
      const { obligations } = await register(db, incident.id, now, { caseId, limit: MOST_OF_A_CASE });
      const duty = obligations.find((one) => one.id === id);
      return duty && { incident, duty, contacts: await tellableOf(db, id) };
    });
    if (!found)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such obligation, or it is not yours to see.'),
      );
    const { incident, duty, contacts } = found;
    const event = CLOCK_EVENTS.find((one) => one === incident.event);
    return shows(
      (frame) =>
        ObligationPageView({
          frame,
          incident: incident.reference,
          duty,
          contacts,
          startsByHand:
            duty.standing === 'not_started' &&
            event !== undefined &&
            (duty.watched || isStartedByHand(event)),
          now,
          refused,
        }),
      refused ? 422 : 200,
    );
  }
}
