import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { Recipes } from '../../domain/rotation/recipes.ts';
import { rotationSettingSchema } from '../../domain/rotation/rotation.schema.ts';
import { RotationSettingsService } from '../../domain/rotation/rotation-settings.service.ts';
import { settingOf } from '../../domain/rotation/settings.queries.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
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

/** When and how the credentials of one integration are rotated. */
@ConsolePage()
export class RotationSettingPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly settings: RotationSettingsService,
    private readonly recipes: Recipes,
  ) {}

  @Get('integrations/:reference/rotation')
  @Permission('rotations:read', { face: 'console' })
  async show(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    const model = await this.#model(integration, by);
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

  #model(integration: string, by: Principal): Promise<SettingModel> {
    return this.transactions.run(by, async (db) => {
      const head = await findIntegration(db, integration);
      const setting = await settingOf(db, head.id);
      const bounds = this.recipes
        .all()
        .filter(({ overlap }) => overlap.most > 0)
        .map(({ key, title, overlap }) => ({ key, title, ...overlap }));
      return { integration: head, setting, windows: windowText(setting.windows), bounds };
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
