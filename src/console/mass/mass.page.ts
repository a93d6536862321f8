import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import {
  askedBySelf,
  findMass,
  massPage,
  whoBreaks,
} from '../../domain/incidents/mass-revocation.queries.ts';
import type { Selection } from '../../domain/incidents/mass-revocation.schema.ts';
import { MassRevocationsService } from '../../domain/incidents/mass-revocations.service.ts';
import { ValuesAtHand } from '../../domain/revocation/values-at-hand.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor } from '../shared/paging.tsx';
import { reference, searchAfter } from '../shared/search.ts';
import { MassListView, NewMassView } from './mass-list.view.tsx';
import { findNamed, suppliers } from './mass.queries.ts';
import { MassView, ProgressView } from './mass.view.tsx';

const name = { schema: reference };
const optional = (most: number) =>
  z
    .string()
    .trim()
    .max(most)
    .transform((text) => (text === '' ? undefined : text));
const form = z.object({
  supplier: z.union([z.literal('').transform(() => undefined), z.uuid()]),
  integration: z
    .string()
    .trim()
    .regex(/^$|^INT-\d{4}-\d{1,9}$/, 'Give the reference of an integration, such as INT-2026-0001.'),
  environment: optional(60),
  type: optional(120),
  prefix: optional(200),
  riskAtLeast: z
    .string()
    .trim()
    .regex(/^$|^\d{1,4}$/, 'Give a number from 0 to 1000.'),
  reason: z.string().trim().min(1, 'Say why: it goes on record.').max(2000),
  force: z.literal('1').optional(),
});
const approval = z.object({
  versions: z
    .string()
    .trim()
    .regex(/^\d{1,6}$/, 'Type the number of versions that you saw.'),
});

/** Credentials revoked together: who breaks, who approves, how far it is. */
@ConsolePage()
export class MassPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly mass: MassRevocationsService,
    private readonly values: ValuesAtHand,
    private readonly clock: Clock,
  ) {}

  @Get('mass-revocations')
  @Permission('revocations:read', { face: 'console' })
  async list(@Query('after') place: unknown, @By() by: Principal): Promise<Answer> {
    const from = searchAfter.parse(place);
    const rows = await this.transactions.run(by, (db) =>
      massPage(db, this.clock.now(), { after: readCursor(from)?.id, limit: PAGE_SIZE + 1 }),
    );
    const page = listed(rows, ({ id }) => cursorText({ key: '', id }));
    return shows((frame) => MassListView({ frame, page, first: from === undefined }));
  }

  @Get('mass-revocations/new')
  @Permission('revocations:ask', { face: 'console' })
  blank(@By() by: Principal): Promise<Answer> {
    return this.#form(by);
  }

  @Post('mass-revocations/new')
  @Permission('revocations:ask', { face: 'console' })
  async ask(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const again = (problems: FormProblems) => this.#form(by, { typed: typedIn(body), problems });
    const read = readForm(form, body);
    if (!read.ok) return again(read.error);
    const { supplier, integration, environment, type, prefix, riskAtLeast, reason, force } = read.value;
    const found = integration
      ? await this.transactions.run(by, (db) => findNamed(db, 'integration', { reference: integration }))
      : undefined;
    if (integration && !found) return again({ integration: 'There is no integration with this reference.' });
    const selection: Selection = Object.fromEntries(
      Object.entries({
        supplierPartyId: supplier,
        integrationId: found?.id,
        environment,
        type,
        prefix,
        riskAtLeast: riskAtLeast === '' ? undefined : Math.min(1000, Number(riskAtLeast)),
      }).filter(([, value]) => value !== undefined),
    );
    if (Object.keys(selection).length === 0)
      return again({ '': 'Name at least one condition: nothing selects everything.' });
    const asked = await this.mass.ask({ selection, reason, force: force === '1' }, by);
    if (!asked.ok)
      return again({ '': Object.values(problemsOf(asked.error.message, asked.error.fields))[0]! });
    return goes(`/mass-revocations/${asked.value.reference}`, {
      tone: 'wait',
      text: 'Frozen. Nothing is revoked before a second person approves what stands here.',
    });
  }

  @Get('mass-revocations/:reference')
  @Permission('revocations:read', { face: 'console' })
  show(@Param('reference', name) mass: string, @By() by: Principal): Promise<Answer> {
    return this.#show(mass, by);
  }

  /** What moves while it works; the page asks for it again and again. */
  @Get('mass-revocations/:reference/progress')
  @Permission('revocations:read', { face: 'console' })
  async progress(@Param('reference', name) mass: string, @By() by: Principal): Promise<Answer> {
    const found = await this.transactions.run(by, (db) => this.#find(db, mass));
    return shows((frame) => ProgressView({ frame, mass: found }));
  }

  @Post('mass-revocations/:reference/approve')
  @Permission('revocations:approve', { face: 'console' })
  async approve(
    @Param('reference', name) mass: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const read = readForm(approval, body);
    if (!read.ok) return this.#show(mass, by, read.error);
    const found = await this.transactions.run(by, (db) => this.#find(db, mass));
    const done = await this.mass.approve(found.id, Number(read.value.versions), by);
    if (!done.ok) return this.#show(mass, by, { versions: done.error.message });
    return goes(`/mass-revocations/${mass}`, {
      tone: 'wait',
      text: 'Approved. The riskiest are revoked first.',
    });
  }

  @Post('mass-revocations/:reference/withdraw')
  @Permission('revocations:ask', { face: 'console' })
  async withdraw(@Param('reference', name) mass: string, @By() by: Principal): Promise<Answer> {
    const found = await this.transactions.run(by, (db) => this.#find(db, mass));
    const done = await this.mass.withdraw(found.id, 'Withdrawn on its page.', by);
    return goes(
      `/mass-revocations/${mass}`,
      done.ok
        ? { tone: 'wait', text: 'Withdrawn. Nothing was revoked.' }
        : { tone: 'live', text: done.error.message },
    );
  }

  async #find(db: Db, mass: string) {
    const found = await findMass(db, { reference: mass }, this.clock.now());
    if (!found)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such mass revocation, or it is not yours to see.'),
      );
    return found;
  }

  async #show(mass: string, by: Principal, problems?: FormProblems): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const found = await this.#find(db, mass);
      const { supplierPartyId, integrationId } = found.selection as Selection;
      return {
        mass: found,
        own: await askedBySelf(db, found.id, by),
        breaks: await whoBreaks(db, found, this.values),
        supplier: supplierPartyId && (await findNamed(db, 'party', { id: supplierPartyId })),
        integration: integrationId && (await findNamed(db, 'integration', { id: integrationId })),
      };
    });
    return shows(
      (frame) =>
        MassView({
          frame,
          mass: model.mass,
          own: model.own,
          breaks: model.breaks,
          supplier: model.supplier || undefined,
          integration: model.integration || undefined,
          problems,
        }),
      problems ? 422 : 200,
    );
  }

  async #form(
    by: Principal,
    bad?: { typed: Record<string, string>; problems: FormProblems },
  ): Promise<Answer> {
    const choices = await this.transactions.run(by, suppliers);
    return shows(
      (frame) => NewMassView({ frame, suppliers: choices, typed: bad?.typed ?? {}, problems: bad?.problems }),
      bad ? 422 : 200,
    );
  }
}
