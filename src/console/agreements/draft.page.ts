import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { AgreementsService } from '../../domain/agreements/agreements.service.ts';
import type { DraftTerm, DraftView as Draft } from '../../domain/agreements/draft.schema.ts';
import { findDraft, listCalendars, previewOf } from '../../domain/agreements/drafts.queries.ts';
import { termFrom, TermTemplates } from '../../domain/agreements/term-templates.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import type { FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { headOf, namedIn } from './agreement.page.ts';
import { contactNames, contactOptions } from './agreements.queries.ts';
import {
  given,
  headGiven,
  peopleIn,
  problemsOfRefusal,
  readHead,
  readTerm,
  rowVersionOf,
  termGiven,
  withMoreRows,
  type Given,
} from './draft-form.ts';
import { DraftView } from './draft.view.tsx';
import { TemplatesView, TermView } from './term.view.tsx';

const name = { schema: reference };
/** A term by its place in the draft. */
const place = { schema: z.union([z.literal('new'), z.coerce.number().int().min(0).max(99)]) };
const newTerm = z.object({
  template: z.string().max(60).optional().catch(undefined),
  direction: z.enum(['to_party', 'from_party']).optional().catch(undefined),
});

/** Writing the next version of an agreement. */
@ConsolePage()
export class AgreementDraftPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly agreements: AgreementsService,
    private readonly templates: TermTemplates,
  ) {}

  @Get('agreements/:reference/draft')
  @Permission('agreements:write', { face: 'console' })
  show(@Param('reference', name) agreement: string, @By() by: Principal): Promise<Answer> {
    return this.#draft(agreement, by);
  }

  @Post('agreements/:reference/draft')
  @Permission('agreements:write', { face: 'console' })
  async save(
    @Param('reference', name) agreement: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = given(body);
    const read = readHead(body);
    if (!read.ok) return this.#draft(agreement, by, { form, problems: read.error, status: 422 });
    const saved = await this.#act(agreement, by, (db, draft) =>
      this.agreements.editDraft(db, draft.agreementId, read.value, rowVersionOf(form), by),
    );
    if (!saved.ok)
      return this.#draft(agreement, by, {
        form,
        problems: problemsOfRefusal(saved.error),
        status: saved.error.kind === 'precondition' ? 412 : 422,
      });
    return goes(`/agreements/${agreement}/draft`, { tone: 'dead', text: 'The draft is saved.' });
  }

  @Post('agreements/:reference/draft/publish')
  @Permission('agreements:write', { face: 'console' })
  async publish(
    @Param('reference', name) agreement: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const done = await this.#act(agreement, by, (db, draft) =>
      this.agreements.publish(db, draft.agreementId, rowVersionOf(given(body)), by),
    );
    if (!done.ok)
      return this.#draft(agreement, by, {
        problems: problemsOfRefusal(done.error),
        status: done.error.kind === 'precondition' ? 412 : 422,
      });
    return goes(`/agreements/${agreement}`, {
      tone: 'dead',
      text: `Version ${done.value.number} is published. Notices that are owed keep the version that they were owed under.`,
    });
  }

  @Post('agreements/:reference/draft/discard')
  @Permission('agreements:write', { face: 'console' })
  async discard(
    @Param('reference', name) agreement: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const done = await this.#act(agreement, by, (db, draft) =>
      this.agreements.discardDraft(db, draft.agreementId, rowVersionOf(given(body)), by),
    );
    if (!done.ok) return this.#draft(agreement, by, { problems: { '': done.error.message }, status: 412 });
    return goes(`/agreements/${agreement}`, { tone: 'wait', text: 'The draft is gone.' });
  }

  /** Windows of laws and industries, to begin a term with. */
  @Get('agreements/:reference/draft/templates')
  @Permission('agreements:write', { face: 'console' })
  async choose(@Param('reference', name) agreement: string, @By() by: Principal): Promise<Answer> {
    const now = this.clock.now();
    const head = await this.transactions.run(by, (db) => headOf(db, agreement, now));
    return shows((frame) => TemplatesView({ frame, head, templates: this.templates.list(now) }));
  }

  @Get('agreements/:reference/draft/terms/:place')
  @Permission('agreements:write', { face: 'console' })
  async term(
    @Param('reference', name) agreement: string,
    @Param('place', place) at: 'new' | number,
    @Query({ schema: newTerm }) query: z.output<typeof newTerm>,
    @By() by: Principal,
  ): Promise<Answer> {
    const template =
      query.template === undefined ? undefined : this.templates.find(query.template, this.clock.now());
    const fresh = template ? termFrom(template, query.direction ?? 'to_party') : undefined;
    return this.#term(agreement, at, by, { fresh });
  }

  @Post('agreements/:reference/draft/terms/:place')
  @Permission('agreements:write', { face: 'console' })
  async saveTerm(
    @Param('reference', name) agreement: string,
    @Param('place', place) at: 'new' | number,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = given(body);
    if (form['more'] !== undefined) return this.#term(agreement, at, by, { form: withMoreRows(form) });
    const remove = form['remove'] !== undefined;
    const read = remove ? undefined : readTerm(body);
    if (read && !read.ok) return this.#term(agreement, at, by, { form, problems: read.error, status: 422 });
    let stands = 0;
    const saved = await this.#act(agreement, by, (db, draft) => {
      const terms: DraftTerm[] = [...draft.content.terms];
      stands = at === 'new' ? terms.length : at;
      terms.splice(stands, at === 'new' ? 0 : 1, ...(read?.ok ? [read.value] : []));
      return this.agreements.editDraft(db, draft.agreementId, { terms }, rowVersionOf(form), by);
    });
    if (!saved.ok)
      return this.#term(agreement, at, by, {
        form,
        problems: problemsOfRefusal(saved.error, stands),
        status: saved.error.kind === 'precondition' ? 412 : 422,
      });
    return goes(`/agreements/${agreement}/draft`, {
      tone: 'dead',
      text: remove ? 'The term is out of the draft.' : 'The term is in the draft.',
    });
  }

  /** Does something to the draft of an agreement in one transaction. */
  #act<T>(
    agreement: string,
    by: Principal,
    act: (db: Db, draft: Draft) => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, Refusal>> {
    return this.transactions.run(by, async (db) => act(db, (await this.#open(db, agreement)).draft));
  }

  async #open(db: Db, agreement: string) {
    const head = await headOf(db, agreement, this.clock.now());
    const draft = await findDraft(db, head.id);
    if (!draft) throw new Refused(refusal('not_found', 'no-draft', 'There is no draft of this agreement.'));
    return { head, draft };
  }

  async #draft(
    agreement: string,
    by: Principal,
    refused?: { form?: Given; problems: FormProblems; status: number },
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const { head, draft } = await this.#open(db, agreement);
      return {
        head,
        draft,
        preview: previewOf('draft', draft.content, await listCalendars(db), this.clock.now()),
        names: await contactNames(db, namedIn(draft.content)),
      };
    });
    const form = refused?.form ?? headGiven(model.draft.content);
    const rowVersion = refused?.form ? rowVersionOf(refused.form) : model.draft.rowVersion;
    return shows(
      (frame) => DraftView({ frame, ...model, form, rowVersion, problems: refused?.problems ?? {} }),
      refused?.status ?? 200,
    );
  }

  async #term(
    agreement: string,
    at: 'new' | number,
    by: Principal,
    o: { fresh?: DraftTerm | undefined; form?: Given; problems?: FormProblems; status?: number },
  ): Promise<Answer> {
    const { form, ...model } = await this.transactions.run(by, async (db) => {
      const { head, draft } = await this.#open(db, agreement);
      const stored = at === 'new' ? o.fresh : draft.content.terms[at];
      if (at !== 'new' && !stored && !o.form)
        throw new Refused(refusal('not_found', 'no-term', 'There is no such term in the draft.'));
      const form = o.form ?? (stored ? termGiven(stored) : NEW_TERM);
      const named = [...peopleIn(form, 'recipient'), ...peopleIn(form, 'fallback')];
      return {
        head,
        draft,
        form,
        contacts: await contactOptions(db, head.partyId, named),
        calendars: await listCalendars(db),
      };
    });
    const rowVersion = o.form ? rowVersionOf(o.form) : model.draft.rowVersion;
    return shows(
      (frame) => TermView({ frame, ...model, at, form, rowVersion, problems: o.problems ?? {} }),
      o.status ?? 200,
    );
  }
}

const NEW_TERM: Given = {
  direction: 'to_party',
  trigger: 'confirmed',
  startEvent: 'confirmed',
  windowUnit: 'elapsed-hours',
  zone: 'UTC',
  warnPercent: '50',
  escalatePercent: '80',
  fulfilledBy: 'accepted_by_peer',
  language: 'en',
  category: 'exposure',
  ruleVersion: '1',
};
