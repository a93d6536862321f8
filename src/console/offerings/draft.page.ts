import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { listCalendars } from '../../domain/agreements/drafts.queries.ts';
import type { EditOffering, OfferingView } from '../../domain/responsibility/offering.schema.ts';
import { findOffering, offeringDiff } from '../../domain/responsibility/offerings.queries.ts';
import { noOffering, OfferingsService } from '../../domain/responsibility/offerings.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import {
  draftQuery,
  FIRST_SHEET,
  given,
  indexOf,
  one,
  readRow,
  readSheet,
  readTerm,
  rowGiven,
  rowVersionOf,
  settingsForm,
  sorted,
  termGiven,
  type DraftAsked,
  type Given,
} from './draft-form.ts';
import type { Editing } from './draft-forms.view.tsx';
import { OfferingDraftView } from './draft.view.tsx';
import { said, statusOf } from './offering.page.ts';

const id = z.uuid();

/** What is drafted of an offering: its rows by role, its term sheet, its name. */
@ConsolePage()
export class OfferingDraftPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly offerings: OfferingsService,
  ) {}

  @Get('offerings/:id/draft')
  @Permission('offerings:read', { face: 'console' })
  async show(
    @Param('id', { schema: id }) offeringId: string,
    @Query({ schema: draftQuery }) asked: z.output<typeof draftQuery>,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(offeringId, by, (offering) => editingOf(offering, asked));
  }

  @Post('offerings/:id/draft/settings')
  @Permission('offerings:write', { face: 'console' })
  async settings(
    @Param('id', { schema: id }) offeringId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const read = readForm(settingsForm, body);
    if (!read.ok) return this.#draw(offeringId, by, () => undefined, Object.values(read.error), 422);
    const { row_version, name, chase_every_hours, chase_by_itself, reattest_days } = read.value;
    return this.#save(offeringId, by, row_version, {
      name,
      chaseEveryHours: chase_every_hours,
      chaseByItself: chase_by_itself,
      reattestDays: reattest_days,
    });
  }

  @Post('offerings/:id/draft/row')
  @Permission('offerings:write', { face: 'console' })
  async row(
    @Param('id', { schema: id }) offeringId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = given(body);
    const at = indexOf(form);
    const draft = (await this.#find(offeringId, by)).draft;
    // The page shows rows in the order of the duties, and so the numbers are of that order.
    const rows = sorted(draft.rows);
    if (one(form, 'remove') === '1')
      return this.#save(offeringId, by, rowVersionOf(form), { rows: rows.filter((_, n) => n !== at) });
    const read = readRow(form);
    const editing = (problems: FormProblems): Editing => ({ what: 'row', at, form, problems });
    if (!read.ok) return this.#draw(offeringId, by, () => editing(read.error), [], 422);
    const next =
      at === undefined ? [...rows, read.value] : rows.map((row, n) => (n === at ? read.value : row));
    return this.#save(offeringId, by, rowVersionOf(form), { rows: next }, () => editing({}));
  }

  @Post('offerings/:id/draft/sheet')
  @Permission('offerings:write', { face: 'console' })
  async sheet(
    @Param('id', { schema: id }) offeringId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = given(body);
    if (one(form, 'remove') === '1') return this.#save(offeringId, by, rowVersionOf(form), { terms: null });
    const { draft } = await this.#find(offeringId, by);
    const read = readSheet(form, draft.terms?.terms ?? []);
    if (!read.ok)
      return this.#draw(
        offeringId,
        by,
        () => ({ what: 'sheet', at: undefined, form, problems: read.error }),
        [],
        422,
      );
    return this.#save(offeringId, by, rowVersionOf(form), { terms: read.value });
  }

  @Post('offerings/:id/draft/term')
  @Permission('offerings:write', { face: 'console' })
  async term(
    @Param('id', { schema: id }) offeringId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = given(body);
    const at = indexOf(form);
    const sheet = (await this.#find(offeringId, by)).draft.terms ?? FIRST_SHEET;
    if (one(form, 'remove') === '1')
      return this.#save(offeringId, by, rowVersionOf(form), {
        terms: { ...sheet, terms: sheet.terms.filter((_, n) => n !== at) },
      });
    const read = readTerm(form);
    const editing = (problems: FormProblems): Editing => ({ what: 'term', at, form, problems });
    if (!read.ok) return this.#draw(offeringId, by, () => editing(read.error), [], 422);
    const before = at === undefined ? undefined : sheet.terms[at];
    const { language, category, ruleVersion } = before ?? read.value;
    // What the form does not show stays as it was.
    const term = { ...read.value, language, category, ruleVersion };
    const terms =
      at === undefined ? [...sheet.terms, term] : sheet.terms.map((was, n) => (n === at ? term : was));
    return this.#save(offeringId, by, rowVersionOf(form), { terms: { ...sheet, terms } }, () => editing({}));
  }

  async #save(
    offeringId: Id,
    by: Principal,
    rowVersion: number,
    edit: EditOffering,
    editing: () => Editing | undefined = () => undefined,
  ): Promise<Answer> {
    const saved = await this.offerings.edit(offeringId, edit, rowVersion, by);
    if (!saved.ok) return this.#draw(offeringId, by, editing, said(saved.error), statusOf(saved.error));
    return goes(`/offerings/${offeringId}/draft`, {
      tone: 'dead',
      text: 'Saved. Customers see it once you publish and propose it.',
    });
  }

  async #find(offeringId: Id, by: Principal): Promise<OfferingView> {
    const found = await this.transactions.run(by, (db) => findOffering(db, offeringId));
    if (!found) throw new Refused(noOffering());
    return found;
  }

  async #draw(
    offeringId: Id,
    by: Principal,
    editing: (offering: OfferingView) => Editing | undefined,
    problems: readonly string[] = [],
    status = 200,
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const offering = await findOffering(db, offeringId);
      if (!offering) return undefined;
      return {
        offering,
        calendars: await listCalendars(db),
        since: offering.version === null ? undefined : await offeringDiff(db, offeringId, offering.version),
      };
    });
    if (!model) throw new Refused(noOffering());
    return shows(
      (frame) => OfferingDraftView({ frame, ...model, editing: editing(model.offering), problems }),
      status,
    );
  }
}

function editingOf({ draft }: OfferingView, { row, term }: DraftAsked): Editing | undefined {
  const none: Given = {};
  if (row !== undefined) {
    const found = row === 'new' ? undefined : sorted(draft.rows)[row];
    const at = found === undefined ? undefined : Number(row);
    return { what: 'row', at, form: found ? rowGiven(found) : none, problems: {} };
  }
  if (term !== undefined) {
    const found = term === 'new' ? undefined : draft.terms?.terms[term];
    const at = found === undefined ? undefined : Number(term);
    return { what: 'term', at, form: found ? termGiven(found) : none, problems: {} };
  }
  return undefined;
}
