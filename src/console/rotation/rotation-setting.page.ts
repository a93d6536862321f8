import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { editCredentialSchema } from '../../domain/credentials/credential.schema.ts';
import { CredentialsService } from '../../domain/credentials/credentials.service.ts';
import { cadencesOf } from '../../domain/rotation/cadences.queries.ts';
import { RotationIntervals } from '../../domain/rotation/intervals.ts';
import { Recipes } from '../../domain/rotation/recipes.ts';
import { rotationSettingSchema } from '../../domain/rotation/rotation.schema.ts';
import { RotationSettingsService } from '../../domain/rotation/rotation-settings.service.ts';
import { settingOf } from '../../domain/rotation/settings.queries.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor } from '../shared/paging.tsx';
import { reference, searchAfter } from '../shared/search.ts';
import type { RefusedForm } from './refused-form.ts';
import { RotationSettingView, type SettingModel } from './rotation-setting.view.tsx';
import { readWindows, windowText } from './window-text.ts';

const name = { schema: reference };
const number = (text: string) => /^\d{1,5}$/.test(text);
const form = z.object({
  automatic: z.enum(['yes', 'no'], 'Choose one.'),
  leadDays: z.string().trim().refine(number, 'Give whole days.'),
  overlapHours: z
    .string()
    .trim()
    .default('')
    .refine((text) => text === '' || number(text), 'Give whole hours, or leave it empty.'),
  windows: z.string().max(2000).default(''),
  zone: z.string().trim().max(60),
  rowVersion: z.string().refine(number),
});
const query = { schema: z.object({ after: searchAfter }) };
const cadence = z.object({
  everyDays: z
    .string()
    .trim()
    .refine((text) => text === '' || number(text), 'Give whole days, or leave it empty.'),
  rowVersion: z.string().refine(number),
});

/** When and how the credentials of one integration are rotated, and how often each of them. */
@ConsolePage()
export class RotationSettingPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly settings: RotationSettingsService,
    private readonly recipes: Recipes,
    private readonly credentials: CredentialsService,
    private readonly intervals: RotationIntervals,
  ) {}

  @Get('integrations/:reference/rotation')
  @Permission('rotations:read', { face: 'console' })
  async show(
    @Param('reference', name) integration: string,
    @Query(query) { after }: z.output<typeof query.schema>,
    @By() by: Principal,
  ): Promise<Answer> {
    const model = await this.#model(integration, by, { after });
    return shows((frame) => RotationSettingView({ frame, ...model }));
  }

  @Post('integrations/:reference/rotation')
  @Permission('rotations:operate', { face: 'console' })
  async save(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const model = await this.#model(integration, by);
    const again = (problems: FormProblems) =>
      shows((frame) => RotationSettingView({ frame, ...model, typed: typedIn(body), problems }), 422);
    const read = readForm(form, body);
    if (!read.ok) return again(read.error);
    const { automatic, leadDays, overlapHours, windows, zone, rowVersion } = read.value;
    const written = readWindows(windows);
    if (!written.ok) return again({ windows: written.error });
    const input = rotationSettingSchema.safeParse({
      automatic: automatic === 'yes',
      leadDays: Number(leadDays),
      overlapHours: overlapHours === '' ? null : Number(overlapHours),
      windows: written.value,
      zone,
    });
    if (!input.success)
      return again(
        Object.fromEntries(
          input.error.issues.map(({ path, message }) => [String(path[0] ?? ''), `This ${message}.`]),
        ),
      );
    const done = await this.transactions.run(by, (db) =>
      this.settings.put(db, model.integration.id, input.data, Number(rowVersion), by),
    );
    if (!done.ok) return again(problemsOf(done.error.message, done.error.fields));
    return goes(`/integrations/${integration}/rotation`, { tone: 'dead', text: 'Saved.' });
  }

  @Post('integrations/:reference/rotation/:credential')
  @Permission('portfolio:write', { face: 'console' })
  async every(
    @Param('reference', name) integration: string,
    @Param('credential', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const model = await this.#model(integration, by, { reference: credential });
    const [line] = model.cadences.rows;
    if (!line) throw new Refused(refusal('not_found', 'not-found', 'It has no such credential.'));
    const again = (problems: FormProblems) => {
      const refused: RefusedForm = { form: credential, problems, typed: typedIn(body) };
      return shows((frame) => RotationSettingView({ frame, ...model, refused }), 422);
    };
    const read = readForm(cadence, body);
    if (!read.ok) return again(read.error);
    const { everyDays, rowVersion } = read.value;
    const input = editCredentialSchema.safeParse({
      rotateEveryDays: everyDays === '' ? null : Number(everyDays),
    });
    if (!input.success) return again({ everyDays: `This ${input.error.issues[0]!.message}.` });
    const done = await this.transactions.run(by, (db) =>
      this.credentials.edit(db, line.id, input.data, Number(rowVersion), by),
    );
    if (!done.ok) return again(problemsOf(done.error.message, done.error.fields));
    return goes(`/integrations/${integration}/rotation`, {
      tone: 'dead',
      text:
        everyDays === ''
          ? `${line.name} has no interval of its own any more.`
          : `${line.name}: every ${everyDays === '1' ? 'day' : `${everyDays} days`}.`,
    });
  }

  #model(
    integration: string,
    by: Principal,
    o: { after?: string | undefined; reference?: string } = {},
  ): Promise<SettingModel> {
    return this.transactions.run(by, async (db) => {
      const head = await findIntegration(db, integration);
      const setting = await settingOf(db, head.id);
      const bounds = this.recipes
        .all()
        .filter(({ overlap }) => overlap.most > 0)
        .map(({ key, title, overlap }) => ({ key, title, ...overlap }));
      const after = readCursor(o.after);
      const rows = await cadencesOf(db, this.intervals, head.id, {
        limit: PAGE_SIZE + 1,
        ...(after ? { after } : {}),
        ...(o.reference === undefined ? {} : { reference: o.reference }),
      });
      const cadences = listed(rows, (row) => cursorText({ key: row.name, id: row.id }));
      const part = after !== undefined || o.reference !== undefined;
      return {
        integration: head,
        setting,
        windows: windowText(setting.windows),
        bounds,
        cadences: { ...cadences, part },
      };
    });
  }
}

async function findIntegration(db: Db, asked: string): Promise<{ id: Id; reference: string; name: string }> {
  const [row] = await rowsOf<{ id: Id; reference: string; name: string }>(
    db,
    `SELECT id, reference, name FROM integration WHERE reference = $1`,
    [asked],
  );
  if (!row)
    throw new Refused(
      refusal('not_found', 'not-found', 'There is no such integration, or it is not yours to see.'),
    );
  return row;
}
