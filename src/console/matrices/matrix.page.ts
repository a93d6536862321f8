import { Body, Get, Param, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { MatrixDraftsService } from '../../domain/responsibility/matrix-drafts.service.ts';
import { MatrixProposalsService } from '../../domain/responsibility/matrix-proposals.service.ts';
import { MatrixTemplates } from '../../domain/responsibility/matrix-templates.ts';
import { versionView, workingMatrix } from '../../domain/responsibility/matrix-views.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { findIntegration, partiesOf } from '../integrations/integration.queries.ts';
import type { Flash } from '../shared/frame.ts';
import { problemsOf, readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { CellView, type CellTyped } from './cell.view.tsx';
import { choicesFor, versionsOf } from './choices.queries.ts';
import { cellForm, cellQuery, discardForm, inheritForm, proposeForm, removeForm } from './matrix.schema.ts';
import { MatrixPageView } from './matrix.view.tsx';

/** The matrix of one integration: what it says, what is wrong with it, and everything that moves it on. */
@ConsolePage()
export class MatrixPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly drafts: MatrixDraftsService,
    private readonly proposals: MatrixProposalsService,
    private readonly templates: MatrixTemplates,
  ) {}

  @Get('integrations/:reference/matrix')
  @Permission('matrices:read', { face: 'console' })
  show(@Param('reference', { schema: reference }) name: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(name, by);
  }

  @Get('integrations/:reference/matrix/cell')
  @Permission('matrices:write', { face: 'console' })
  async cell(
    @Param('reference', { schema: reference }) name: string,
    @Query() query: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const asked = cellQuery.parse(query ?? {});
    const model = await this.#model(name, by);
    const row = model.working.rows.find(
      (one) =>
        one.duty === asked.duty && one.part === asked.part && one.credentialId === (asked.credential ?? null),
    );
    const typed: CellTyped = {
      duty: asked.duty,
      part: asked.part,
      credential: asked.credential ?? '',
      accountable: row?.accountable.id ?? '',
      performing: row?.performing.map(({ id }) => id) ?? [],
      contact: row?.contact?.id ?? '',
      window: row?.windowMinutes ? windowText(row.windowMinutes) : '',
      path: row?.pathKind ?? '',
      note: row?.note ?? '',
    };
    return shows((frame) => CellView({ frame, ...model, typed, exists: row !== undefined && !asked.new }));
  }

  @Post('integrations/:reference/matrix/cell')
  @Permission('matrices:write', { face: 'console' })
  async save(
    @Param('reference', { schema: reference }) name: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const model = await this.#model(name, by);
    const read = readForm(cellForm, body);
    const again = (problems: FormProblems, status = 422) =>
      shows((frame) => CellView({ frame, ...model, typed: typedOf(body), exists: false, problems }), status);
    if (!read.ok) return again(read.error);
    const { row_version, credential, contact, window, path, ...rest } = read.value;
    const saved = await this.drafts.edit(
      model.head.id,
      {
        cells: [
          { ...rest, credentialId: credential, contactId: contact, windowMinutes: window, pathKind: path },
        ],
        remove: [],
      },
      row_version,
      by,
    );
    if (!saved.ok) {
      if (saved.error.kind === 'precondition') return again(staleProblem(saved.error), 412);
      return again(fieldsOf(saved.error));
    }
    return goes(`/integrations/${name}/matrix`, told(saved.value.fell.length));
  }

  @Post('integrations/:reference/matrix/remove')
  @Permission('matrices:write', { face: 'console' })
  async remove(
    @Param('reference', { schema: reference }) name: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(name, removeForm, body, by, (id, { row_version, duty, part, credential }) =>
      this.drafts.edit(
        id,
        { cells: [], remove: [{ duty, part, credentialId: credential }] },
        row_version,
        by,
      ),
    );
  }

  @Post('integrations/:reference/matrix/inherit')
  @Permission('matrices:write', { face: 'console' })
  async inherit(
    @Param('reference', { schema: reference }) name: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(name, inheritForm, body, by, async (id, filled) => {
      const [kind, key = ''] = filled.from.split(':', 2);
      let source = kind === 'template' ? { template: key } : { fromIntegrationId: key };
      if (filled.reference !== '') {
        const other = await this.transactions.run(by, (db) => findIntegration(db, filled.reference));
        if (!other)
          return err(refusal('invalid', 'no-integration', `There is no integration ${filled.reference}.`));
        source = { fromIntegrationId: other.id };
      }
      return this.drafts.inherit(id, { ...source, replace: filled.replace === '1' }, filled.row_version, by);
    });
  }

  @Post('integrations/:reference/matrix/discard')
  @Permission('matrices:write', { face: 'console' })
  async discard(
    @Param('reference', { schema: reference }) name: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(name, discardForm, body, by, (id, { row_version }) =>
      this.drafts.discard(id, row_version, by),
    );
  }

  @Post('integrations/:reference/matrix/propose')
  @Permission('matrices:write', { face: 'console' })
  async propose(
    @Param('reference', { schema: reference }) name: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      name,
      proposeForm,
      body,
      by,
      (id, { row_version, reattest_days, invite }) =>
        this.proposals.propose(id, { reattestDays: reattest_days, invite: invite === '1' }, row_version, by),
      'Proposed: it lies before everybody who must sign.',
    );
  }

  async #act<T>(
    name: string,
    schema: z.ZodType<T>,
    body: unknown,
    by: Principal,
    act: (id: string, filled: T) => Promise<Result<unknown, Refusal>>,
    done = 'Saved.',
  ): Promise<Answer> {
    const read = readForm(schema, body);
    if (!read.ok) return this.#draw(name, by, Object.values(read.error), 422);
    const { head } = await this.#model(name, by);
    const result = await act(head.id, read.value);
    if (!result.ok) {
      const { error } = result;
      const problems = [
        error.message,
        ...(error.fields ?? []).map((one) => `${placeOf(one.field)}: ${one.problem}. ${one.mend}`),
      ];
      return this.#draw(name, by, problems, error.kind === 'precondition' ? 412 : 422);
    }
    const { fell = [], leftOut = [] } = (result.value ?? {}) as {
      fell?: unknown[];
      leftOut?: { why: string }[];
    };
    if (leftOut.length > 0)
      return goes(`/integrations/${name}/matrix`, {
        tone: 'wait',
        text: `${leftOut.length} rows were left for you to set: ${leftOut[0]!.why}.`,
      });
    return goes(
      `/integrations/${name}/matrix`,
      fell.length > 0 ? told(fell.length) : { tone: 'dead', text: done },
    );
  }

  async #draw(name: string, by: Principal, problems: readonly string[] = [], status = 200): Promise<Answer> {
    const model = await this.#model(name, by);
    const templates = this.templates.all().map(({ matrix, title }) => ({ key: matrix, title }));
    return shows((frame) => MatrixPageView({ frame, ...model, templates, problems }), status);
  }

  async #model(name: string, by: Principal) {
    const now = this.clock.now();
    const model = await this.transactions.run(by, async (db) => {
      const head = await findIntegration(db, name);
      const working = head && (await workingMatrix(db, head.id, now));
      if (!head || !working) return undefined;
      return {
        head,
        working,
        parties: await partiesOf(db, head.id),
        choices: await choicesFor(db, head.id),
        versions: await versionsOf(db, head.id),
        newest: working.newest ? await versionView(db, working.newest.id, now) : undefined,
      };
    });
    if (!model)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such integration, or it is not yours to see.'),
      );
    return model;
  }
}

function told(fell: number): Flash {
  return fell > 0
    ? {
        tone: 'live',
        text: 'Saved. It changes what both sides signed: the signatures fell, and both sides are told.',
      }
    : { tone: 'dead', text: 'Saved.' };
}

/** "30m", "4h", "2d": as the form takes it. */
function windowText(minutes: number): string {
  if (minutes % 1440 === 0) return `${minutes / 1440}d`;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}

function placeOf(field: string): string {
  return field
    .replace(/^\/(cells|remove)?\/?/, '')
    .replaceAll('_', ' ')
    .replaceAll('/', ', ');
}

const FIELD_OF: Readonly<Record<string, string>> = {
  contactId: 'contact',
  windowMinutes: 'window',
  pathKind: 'path',
  credentialId: 'credential',
};

function fieldsOf(error: Refusal): FormProblems {
  return problemsOf(
    error.message,
    (error.fields ?? []).map((one) => {
      const field = one.field.split('/').at(-1) ?? '';
      return { ...one, field: FIELD_OF[field] ?? field };
    }),
  );
}

function staleProblem(error: Refusal): FormProblems {
  const changed = (error.fields ?? []).map(({ problem }) => problem).join('; ');
  return { '': `${error.message}${changed ? ` Changed: ${changed}.` : ''}` };
}

function typedOf(body: unknown): CellTyped {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const one = (name: string) => {
    const [first]: unknown[] = [fields[name]].flat();
    return typeof first === 'string' ? first : '';
  };
  return {
    duty: cellQuery.parse(fields).duty,
    part: one('part'),
    credential: one('credential'),
    accountable: one('accountable'),
    performing: [fields['performing']].flat().filter((id) => typeof id === 'string'),
    contact: one('contact'),
    window: one('window'),
    path: one('path'),
    note: one('note'),
  };
}
