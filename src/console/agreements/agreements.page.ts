import { Body, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { AgreementsService } from '../../domain/agreements/agreements.service.ts';
import { createAgreementSchema } from '../../domain/agreements/draft.schema.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, readCursor } from '../shared/paging.tsx';
import { searchAfter, searchText } from '../shared/search.ts';
import { listAgreements, partyOptions } from './agreements.queries.ts';
import { AgreementsView, NewAgreementView } from './agreements.view.tsx';

const query = z.object({ q: searchText, after: searchAfter });

@ConsolePage()
export class AgreementsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly agreements: AgreementsService,
  ) {}

  @Get('agreements')
  @Permission('agreements:read', { face: 'console' })
  async list(
    @Query({ schema: query }) { q, after }: z.output<typeof query>,
    @By() by: Principal,
  ): Promise<Answer> {
    const rows = await this.transactions.run(by, (db) =>
      listAgreements(db, { q, after: readCursor(after) }, this.clock.now()),
    );
    const page = listed(rows, ({ title, id }) => cursorText({ key: title, id }));
    return shows((frame) => AgreementsView({ frame, page, q, first: after === undefined }));
  }

  @Get('agreements/new')
  @Permission('agreements:write', { face: 'console' })
  async asked(@By() by: Principal): Promise<Answer> {
    return this.#form(by, {}, {});
  }

  @Post('agreements/new')
  @Permission('agreements:write', { face: 'console' })
  async create(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const given = (body ?? {}) as Record<string, string>;
    const read = readForm(createAgreementSchema, body);
    if (!read.ok) return this.#form(by, given, read.error);
    const created = await this.transactions.run(by, (db) => this.agreements.create(db, read.value, by));
    if (!created.ok)
      return this.#form(by, given, problemsOf(created.error.message, created.error.fields ?? []));
    return goes(`/agreements/${created.value.reference}/draft`, {
      tone: 'dead',
      text: 'The agreement has a draft. Nothing is in force before you publish it.',
    });
  }

  async #form(by: Principal, given: Record<string, string>, problems: FormProblems): Promise<Answer> {
    const parties = await this.transactions.run(by, (db) => partyOptions(db));
    return shows(
      (frame) => NewAgreementView({ frame, parties, given, problems }),
      Object.keys(problems).length > 0 ? 422 : 200,
    );
  }
}
