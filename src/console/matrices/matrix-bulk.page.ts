import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { MatrixDraftsService } from '../../domain/responsibility/matrix-drafts.service.ts';
import { MatrixTemplates } from '../../domain/responsibility/matrix-templates.ts';
import { workingMatrix } from '../../domain/responsibility/matrix-views.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { findIntegration, partiesOf } from '../integrations/integration.queries.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { bulkForm, bulkQuery, bulkTyped, cellText, type BulkTyped } from './bulk.schema.ts';
import { choicesFor } from './choices.queries.ts';
import { BulkView, rowName } from './matrix-bulk.view.tsx';

/** Several rows of one matrix at once. */
@ConsolePage()
export class MatrixBulkPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly drafts: MatrixDraftsService,
    private readonly templates: MatrixTemplates,
  ) {}

  @Get('integrations/:reference/matrix/bulk')
  @Permission('matrices:write', { face: 'console' })
  show(
    @Param('reference', { schema: reference }) name: string,
    @Query() query: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(name, by, bulkTyped({}), { choose: bulkQuery.parse(query ?? {}).choose });
  }

  @Post('integrations/:reference/matrix/bulk')
  @Permission('matrices:write', { face: 'console' })
  async save(
    @Param('reference', { schema: reference }) name: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const typed = bulkTyped(body);
    const read = bulkForm.safeParse(body);
    if (!read.success)
      return this.#draw(name, by, typed, { problems: read.error.issues.map(({ message }) => message) });
    const { row_version, cells, change } = read.data;
    const { head } = await this.#model(name, by);
    const saved = await this.drafts.editMany(head.id, cells, change, row_version, by);
    if (!saved.ok) {
      const stale = saved.error.kind === 'precondition';
      const problems = [saved.error.message, ...placed(saved.error, cells.map(cellText))];
      return this.#draw(name, by, typed, { problems, status: stale ? 412 : 422 });
    }
    const count = `${cells.length} ${cells.length === 1 ? 'row' : 'rows'}`;
    return goes(
      `/integrations/${name}/matrix`,
      saved.value.fell.length > 0
        ? {
            tone: 'live',
            text: `${count} saved. It changes what both sides signed: the signatures fell, and both sides are told.`,
          }
        : { tone: 'dead', text: `${count} saved.` },
    );
  }

  async #draw(
    name: string,
    by: Principal,
    typed: BulkTyped,
    o: { choose?: 'all' | 'gaps' | undefined; problems?: readonly string[]; status?: number },
  ): Promise<Answer> {
    const model = await this.#model(name, by);
    const templates = this.templates.all().map(({ matrix, title }) => ({ key: matrix, title }));
    const { choose, problems = [] } = o;
    return shows(
      (frame) => BulkView({ frame, ...model, templates, typed, choose, problems }),
      o.status ?? (problems.length > 0 ? 422 : 200),
    );
  }

  async #model(name: string, by: Principal) {
    const model = await this.transactions.run(by, async (db) => {
      const head = await findIntegration(db, name);
      const working = head && (await workingMatrix(db, head.id, this.clock.now()));
      if (!head || !working) return undefined;
      return {
        head,
        working,
        parties: await partiesOf(db, head.id),
        choices: await choicesFor(db, head.id),
      };
    });
    if (!model)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such integration, or it is not yours to see.'),
      );
    return model;
  }
}

/** What was wrong, each with the row that it is about. */
function placed(error: Refusal, rows: readonly string[]): string[] {
  const said = (error.fields ?? []).map(({ field, problem, mend }) => {
    const row = rows[Number(/^\/cells\/(\d+)\//.exec(field)?.[1] ?? Number.NaN)];
    return `${row === undefined ? '' : `${rowName(row)}: `}${problem}. ${mend}`;
  });
  return [...new Set(said)];
}
