import { Body, Get, Inject, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { instantIn, isZone } from '../../kernel/calendar.ts';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission } from '../../domain/access/route.ts';
import type { Channel } from '../../domain/notices/channel.ts';
import { contactWays } from '../../domain/notices/contact-ways.queries.ts';
import { CHANNELS } from '../../domain/notices/delivery.service.ts';
import { ContactReach } from '../../domain/parties/contact-reach.service.ts';
import { contactReach, type ContactReachView } from '../../domain/parties/on-call.queries.ts';
import { contactHoursSchema, newAbsenceSchema } from '../../domain/parties/on-call.schema.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { partyHead, type PartyHead } from './party.queries.ts';
import { ReachView, type ReachBad, type ShownWay } from './reach.view.tsx';

const name = { schema: reference };
const id = { schema: z.uuid() };
const DAYS = [1, 2, 3, 4, 5, 6, 7];

/** When somebody is on duty, wants quiet, or is away and who stands in. */
@ConsolePage()
export class ReachPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly reach: ContactReach,
    private readonly clock: Clock,
    @Inject(CHANNELS) private readonly channels: readonly Channel[],
  ) {}

  @Get('parties/:reference/contacts/:contact/reach')
  @Permission('portfolio:write', { face: 'console' })
  show(
    @Param('reference', name) party: string,
    @Param('contact', id) contactId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(party, contactId, by);
  }

  @Post('parties/:reference/contacts/:contact/hours')
  @Permission('portfolio:write', { face: 'console' })
  async hours(
    @Param('reference', name) party: string,
    @Param('contact', id) contactId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = typedIn(body);
    const text = (field: string) => form[field]?.trim() ?? '';
    const read = readForm(contactHoursSchema, {
      zone: text('zone'),
      days: DAYS.filter((day) => form[`day${day}`] === '1'),
      from: text('from'),
      until: text('until'),
      quiet:
        text('quietFrom') || text('quietUntil')
          ? { from: text('quietFrom'), until: text('quietUntil') }
          : null,
      mostPerHour: text('mostPerHour') === '' ? null : Number(text('mostPerHour')),
    });
    if (!read.ok) return this.#draw(party, contactId, by, { at: 'hours', form, problems: said(read.error) });
    const done = await this.#work(party, contactId, by, (db) =>
      this.reach.setHours(db, contactId, read.value, by),
    );
    return this.#after(party, contactId, by, done, { at: 'hours', form }, 'The hours are kept.');
  }

  @Post('parties/:reference/contacts/:contact/absences')
  @Permission('portfolio:write', { face: 'console' })
  async absent(
    @Param('reference', name) party: string,
    @Param('contact', id) contactId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = typedIn(body);
    const zone = form['zone']?.trim() ?? '';
    const at = (field: string) => {
      const instant = isZone(zone) ? instantIn(form[field] ?? '', zone) : undefined;
      return instant === undefined ? '' : iso(instant);
    };
    const draw = (problems: FormProblems) =>
      this.#draw(party, contactId, by, { at: 'absence', form, problems });
    if (!isZone(zone)) return draw({ zone: 'There is no such time zone.' });
    const missing = ['from', 'until'].filter((field) => at(field) === '');
    if (missing.length > 0)
      return draw(Object.fromEntries(missing.map((field) => [field, 'There is no such date or time.'])));
    const read = readForm(newAbsenceSchema, {
      from: at('from'),
      until: at('until'),
      standInId: form['standInId'] || null,
    });
    if (!read.ok) return draw(said(read.error));
    const done = await this.#work(party, contactId, by, (db) =>
      this.reach.addAbsence(db, contactId, read.value, by),
    );
    return this.#after(party, contactId, by, done, { at: 'absence', form }, 'The absence is on record.');
  }

  @Post('parties/:reference/contacts/:contact/absences/:absence/end')
  @Permission('portfolio:write', { face: 'console' })
  async back(
    @Param('reference', name) party: string,
    @Param('contact', id) contactId: string,
    @Param('absence', id) absenceId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const done = await this.#work(party, contactId, by, async (db, reach) => {
      if (!reach.absences.some((one) => one.id === absenceId)) throw notFound();
      return this.reach.removeAbsence(db, absenceId, by);
    });
    return this.#after(party, contactId, by, done, { at: 'absence', form: {} }, 'The absence is taken back.');
  }

  @Post('parties/:reference/contacts/:contact/addresses/:address/end')
  @Permission('portfolio:write', { face: 'console' })
  async endAddress(
    @Param('reference', name) party: string,
    @Param('contact', id) contactId: string,
    @Param('address', id) addressId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const done = await this.#work(party, contactId, by, async (db) => {
      const ways = await contactWays(db, contactId, this.clock.now());
      if (!ways.some((one) => one.id === addressId)) throw notFound();
      return this.reach.endAddress(db, addressId, by);
    });
    return this.#after(party, contactId, by, done, { at: 'ways', form: {} }, 'Nothing goes there any more.');
  }

  #work<T>(
    party: string,
    contactId: Id,
    by: Principal,
    work: (db: Db, reach: ContactReachView) => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, Refusal>> {
    return this.transactions.run(by, async (db) => work(db, (await this.#found(db, party, contactId)).reach));
  }

  #after(
    party: string,
    contactId: Id,
    by: Principal,
    done: Result<unknown, Refusal>,
    at: Pick<ReachBad, 'at' | 'form'>,
    text: string,
  ): Promise<Answer> | Answer {
    if (done.ok) return goes(`/parties/${party}/contacts/${contactId}/reach`, { tone: 'dead', text });
    if (done.error.kind === 'not_found') throw notFound();
    return this.#draw(party, contactId, by, {
      ...at,
      problems: problemsOf(done.error.message, done.error.fields),
    });
  }

  async #draw(party: string, contactId: Id, by: Principal, bad?: ReachBad): Promise<Answer> {
    const found = await this.transactions.run(by, (db) => this.#found(db, party, contactId));
    return shows((frame) => ReachView({ frame, contactId, ...found, bad }), bad ? 422 : 200);
  }

  async #found(
    db: Db,
    party: string,
    contactId: Id,
  ): Promise<{ head: PartyHead; reach: ContactReachView; ways: ShownWay[] }> {
    const head = await partyHead(db, party);
    const reach = head && (await contactReach(db, head.id, contactId, this.clock.now()));
    if (!head || !reach) throw notFound();
    const ways = await contactWays(db, contactId, this.clock.now());
    const titles = new Map(this.channels.map(({ key, title }) => [key, title]));
    return {
      head,
      reach,
      ways: ways.map((one) => ({ ...one, title: titles.get(one.channel) ?? one.channel })),
    };
  }
}

function said(problems: FormProblems): FormProblems {
  return Object.fromEntries(
    Object.entries(problems).map(([field, problem]) => [field, `It ${problem.replace(/\.$/, '')}.`]),
  );
}

function notFound(): Refused {
  return new Refused(
    refusal('not_found', 'not-found', 'There is no such contact, or it is not yours to see.'),
  );
}
