import { Body, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { MatrixTemplates } from '../../domain/responsibility/matrix-templates.ts';
import { createOfferingSchema } from '../../domain/responsibility/offering.schema.ts';
import { listOfferings } from '../../domain/responsibility/offerings.queries.ts';
import { OfferingsService } from '../../domain/responsibility/offerings.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor } from '../shared/paging.tsx';
import { searchAfter } from '../shared/search.ts';
import { withMatrix } from './choices.queries.ts';
import { NewOfferingView, OfferingsView } from './offerings.view.tsx';

const query = z.object({ after: searchAfter });
const newForm = z.object({ name: z.string(), from: z.string().default('') });

@ConsolePage()
export class OfferingsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly offerings: OfferingsService,
    private readonly templates: MatrixTemplates,
  ) {}

  @Get('offerings')
  @Permission('offerings:read', { face: 'console' })
  async list(
    @Query({ schema: query }) { after }: z.output<typeof query>,
    @By() by: Principal,
  ): Promise<Answer> {
    const cursor = readCursor(after);
    const rows = await this.transactions.run(by, (db) =>
      listOfferings(db, {
        after: cursor && { name: cursor.key, id: cursor.id },
        limit: PAGE_SIZE + 1,
      }),
    );
    const page = listed(rows, ({ name, id }) => cursorText({ key: name, id }));
    return shows((frame) => OfferingsView({ frame, page, first: after === undefined }));
  }

  @Get('offerings/new')
  @Permission('offerings:write', { face: 'console' })
  asked(@By() by: Principal): Promise<Answer> {
    return this.#form(by, {}, {});
  }

  @Post('offerings/new')
  @Permission('offerings:write', { face: 'console' })
  async create(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(newForm, body);
    if (!read.ok) return this.#form(by, typed, read.error);
    const [kind, key = ''] = read.value.from.split(':', 2);
    const wanted = createOfferingSchema.safeParse({
      name: read.value.name.trim(),
      ...(kind === 'template' ? { template: key } : kind === 'integration' ? { fromIntegrationId: key } : {}),
    });
    if (!wanted.success)
      return this.#form(by, typed, {
        [String(wanted.error.issues[0]?.path[0] ?? '')]: wanted.error.issues[0]?.message ?? '',
      });
    const made = await this.offerings.create(wanted.data, by);
    if (!made.ok) return this.#form(by, typed, problemsOf(made.error.message, made.error.fields));
    const { id, leftOut } = made.value;
    return goes(`/offerings/${id}/draft`, {
      tone: leftOut.length > 0 ? 'wait' : 'dead',
      text:
        leftOut.length > 0
          ? `${leftOut.length} rows were left for you to set: ${leftOut[0]!.why}.`
          : 'The offering has a draft. No customer sees it before you publish and propose it.',
    });
  }

  async #form(
    by: Principal,
    typed: Readonly<Record<string, string>>,
    problems: FormProblems,
  ): Promise<Answer> {
    const integrations = await this.transactions.run(by, withMatrix);
    const options = [
      ...this.templates
        .all()
        .map(({ matrix, title }) => ({ value: `template:${matrix}`, word: title, group: 'Templates' })),
      ...integrations.map(({ id, reference, name }) => ({
        value: `integration:${id}`,
        word: `${name} (${reference})`,
        group: 'What an integration has, with the terms of its agreement',
      })),
    ];
    return shows(
      (frame) => NewOfferingView({ frame, options, typed, problems }),
      Object.keys(problems).length > 0 ? 422 : 200,
    );
  }
}
