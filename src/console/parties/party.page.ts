import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { askDomainSchema, DomainChallenges } from '../../domain/parties/domain-challenges.service.ts';
import { onCallNext, onCallNow } from '../../domain/parties/on-call.queries.ts';
import { PartiesService } from '../../domain/parties/parties.service.ts';
import { editContactSchema, newContactSchema } from '../../domain/parties/party.schema.ts';
import { accountsOf } from '../../domain/obligations/supplier-accounts.service.ts';
import { PartnersService } from '../../domain/policy/partners.service.ts';
import { drillsOf } from '../../domain/revocation/drills.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { partyHead, type PartyHead } from './party.queries.ts';
import { PartyView, type PartyBad } from './party.view.tsx';

const name = { schema: reference };
const id = { schema: z.uuid() };

/** One organisation: whom to reach there, in which order, and how one knows that it is who it says. */
@ConsolePage()
export class PartyPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly parties: PartiesService,
    private readonly partners: PartnersService,
    private readonly challenges: DomainChallenges,
    private readonly clock: Clock,
  ) {}

  @Get('parties/:reference')
  @Permission('policy:read', { face: 'console' })
  show(@Param('reference', name) party: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(party, by);
  }

  @Post('parties/:reference/contacts')
  @Permission('portfolio:write', { face: 'console' })
  async add(
    @Param('reference', name) party: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = typedIn(body);
    const read = readForm(newContactSchema, contactIn(form));
    if (!read.ok) return this.#draw(party, by, { at: 'new', form, problems: said(read.error), status: 422 });
    const done = await this.transactions.run(by, async (db) =>
      this.parties.addContact(db, (await found(db, party)).id, read.value, by),
    );
    return this.#after(party, by, done, { at: 'new', form }, `${read.value.name} is added.`);
  }

  @Post('parties/:reference/contacts/:contact')
  @Permission('portfolio:write', { face: 'console' })
  async edit(
    @Param('reference', name) party: string,
    @Param('contact', id) contactId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = typedIn(body);
    const read = readForm(editContactSchema, { ...contactIn(form), active: form['active'] === '1' });
    if (!read.ok)
      return this.#draw(party, by, { at: contactId, form, problems: said(read.error), status: 422 });
    const version = Number(/^\d{1,9}$/.exec(form['rowVersion'] ?? '')?.[0] ?? 0);
    const done = await this.transactions.run(by, async (db) => {
      const head = await found(db, party);
      if (!head.contacts.some((one) => one.id === contactId)) throw notFound();
      return this.parties.editContact(db, contactId, read.value, version, by);
    });
    return this.#after(party, by, done, { at: contactId, form }, 'The contact is saved.');
  }

  @Post('parties/:reference/domain')
  @Permission('gate:open', { face: 'console' })
  async domain(
    @Param('reference', name) party: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = typedIn(body);
    const read = readForm(askDomainSchema, { domain: form['domain'] ?? '' });
    if (!read.ok)
      return this.#draw(party, by, { at: 'domain', form, problems: said(read.error), status: 422 });
    const head = await this.transactions.run(by, (db) => found(db, party));
    const done = await this.partners.askDomain(head.id, read.value, by);
    return this.#after(
      party,
      by,
      done,
      { at: 'domain', form },
      `Have ${head.name} set the record, then check it here.`,
    );
  }

  @Post('parties/:reference/domain/:challenge')
  @Permission('gate:open', { face: 'console' })
  @PerMinute(20)
  async check(
    @Param('reference', name) party: string,
    @Param('challenge', id) challengeId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const head = await this.transactions.run(by, (db) => found(db, party));
    const done = await this.partners.checkDomain(head.id, challengeId, by);
    return this.#after(party, by, done, { at: 'domain', form: {} }, `${head.name} is verified.`);
  }

  #after(
    party: string,
    by: Principal,
    done: Result<unknown, Refusal>,
    at: Pick<PartyBad, 'at' | 'form'>,
    text: string,
  ): Promise<Answer> | Answer {
    if (done.ok) return goes(`/parties/${party}`, { tone: 'dead', text });
    const { kind, message, fields } = done.error;
    if (kind === 'not_found') throw notFound();
    const status = { precondition: 412, conflict: 409, forbidden: 403 }[kind as 'conflict'] ?? 422;
    return this.#draw(party, by, { ...at, problems: problemsOf(message, fields), status });
  }

  async #draw(party: string, by: Principal, bad?: PartyBad & { status: number }): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const head = await found(db, party);
      return {
        head,
        onCall: await onCallNow(db, head.id, this.clock.now()),
        next: await onCallNext(db, head.id, this.clock.now()),
        challenges: await this.challenges.list(db, head.id),
        drills: await drillsOf(db, { verifierPartyId: head.id }, 10),
        accounts: await accountsOf(db, { partyId: head.id }, 50),
      };
    });
    return shows((frame) => PartyView({ frame, ...model, bad }), bad?.status ?? 200);
  }
}

/** A contact as a form says it: what is left empty is not there. */
function contactIn(form: Readonly<Record<string, string>>): Record<string, unknown> {
  const text = (field: string) => form[field]?.trim() ?? '';
  return {
    name: text('name'),
    role: text('role'),
    email: text('email') || null,
    phone: text('phone') || null,
    language: text('language') || null,
    ordinal: /^\d{1,4}$/.test(text('ordinal')) ? Number(text('ordinal')) : 0,
  };
}

/** The words of a schema as sentences beside the field. */
function said(problems: FormProblems): FormProblems {
  return Object.fromEntries(
    Object.entries(problems).map(([field, problem]) => [field, `It ${problem.replace(/\.$/, '')}.`]),
  );
}

async function found(db: Db, party: string): Promise<PartyHead> {
  const head = await partyHead(db, party);
  if (!head) throw notFound();
  return head;
}

function notFound(): Refused {
  return new Refused(refusal('not_found', 'not-found', 'There is no such party, or it is not yours to see.'));
}
