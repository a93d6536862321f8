import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { CheckoutGrants } from '../../domain/releases/checkout-grants.service.ts';
import { Checkouts } from '../../domain/releases/checkouts.service.ts';
import { Machines } from '../../domain/releases/machines.service.ts';
import { newGrantSchema, newMachineSchema } from '../../domain/releases/release.schema.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { findIntegration } from '../integrations/integration.queries.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { MachinesView, type MachineForm } from './machines.view.tsx';
import { grantLines, heldBy, machineChoices, machineLines } from './releases.queries.ts';

const name = { schema: reference };
const id = { schema: z.uuid() };
const DAY = 86_400_000;
const decideForm = z.object({ decision: z.enum(['approve', 'refuse']) });

/** What the browser's fields become before the API's own schema judges them. */
const machineForm = z
  .object({
    partyId: z.string(),
    name: z.string().trim(),
    environment: z.string(),
    publicKey: z.string().trim(),
    issuer: z.string().trim(),
    subject: z.string().trim(),
  })
  .transform(({ publicKey, issuer, subject, ...rest }, context) => {
    const oidc = issuer === '' && subject === '' ? {} : { oidc: { issuer, subject } };
    if (publicKey === '') return { ...rest, ...oidc };
    try {
      return { ...rest, ...oidc, publicKey: JSON.parse(publicKey) as unknown };
    } catch {
      context.addIssue({
        code: 'custom',
        path: ['publicKey'],
        message: 'It is no JSON. Paste the public key as a JWK.',
      });
      return z.NEVER;
    }
  });
const grantForm = z
  .object({
    credentialId: z.string(),
    purpose: z.string().trim(),
    maxSimultaneous: z.coerce.number('must be a number'),
    maxMinutes: z.coerce.number('must be a number'),
    days: z.coerce.number('must be a number').int('must be whole days').min(1).max(400, 'At most 400 days.'),
    consentPersonId: z.string(),
  })
  .transform(({ maxMinutes, consentPersonId, ...rest }) => ({
    ...rest,
    maxSeconds: Math.round(maxMinutes * 60),
    ...(consentPersonId === '' ? {} : { consentPersonId }),
  }));

/** The machines of one integration: who they are, what they may check out, and what they hold. */
@ConsolePage()
export class MachinesPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly machines: Machines,
    private readonly grants: CheckoutGrants,
    private readonly checkouts: Checkouts,
  ) {}

  @Get('integrations/:reference/machines')
  @Permission('machines:read', { face: 'console' })
  show(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    return this.#show(integration, by);
  }

  @Post('integrations/:reference/machines')
  @Permission('machines:write', { face: 'console' })
  async register(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#model(integration, by);
    const again = (problems: FormProblems) =>
      this.#show(integration, by, { about: 'machine', problems, typed: typedIn(body) });
    const typed = readForm(machineForm, body);
    if (!typed.ok) return again(typed.error);
    const read = readForm(newMachineSchema, { ...typed.value, integrationId: head.id });
    if (!read.ok) return again(capitals(read.error));
    return this.#done(integration, by, again, 'Registered. Somebody else has to approve it.', (db) =>
      this.machines.register(db, read.value, by),
    );
  }

  @Post('integrations/:reference/machines/:id/decide')
  @Permission('machines:approve', { face: 'console' })
  async decide(
    @Param('reference', name) integration: string,
    @Param('id', id) machineId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#own(integration, by, { machineId });
    const read = readForm(decideForm, body);
    const again = (problems: FormProblems) =>
      this.#show(integration, by, { about: 'page', problems, typed: {} });
    if (!read.ok) return again({ '': 'Approve it, or refuse it.' });
    return this.#done(integration, by, again, 'Your decision is on record.', (db) =>
      this.machines.decide(db, machineId, read.value.decision === 'approve', by),
    );
  }

  @Post('integrations/:reference/machines/:id/retire')
  @Permission('machines:write', { face: 'console' })
  async retire(
    @Param('reference', name) integration: string,
    @Param('id', id) machineId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#own(integration, by, { machineId });
    return this.#done(integration, by, undefined, 'Retired. Its access ended with it.', (db) =>
      this.machines.retire(db, machineId, by),
    );
  }

  @Post('integrations/:reference/machines/:id/grants')
  @Permission('machines:write', { face: 'console' })
  async declare(
    @Param('reference', name) integration: string,
    @Param('id', id) machineId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#own(integration, by, { machineId });
    const again = (problems: FormProblems) =>
      this.#show(integration, by, { about: 'grant', subject: machineId, problems, typed: typedIn(body) });
    const typed = readForm(grantForm, body);
    if (!typed.ok) return again(capitals(typed.error));
    const { days, ...rest } = typed.value;
    const read = readForm(newGrantSchema, { ...rest, expiresAt: iso(this.clock.now() + days * DAY) });
    if (!read.ok) return again(capitals(read.error));
    return this.#done(integration, by, again, 'Declared. Somebody else has to approve it.', (db) =>
      this.grants.request(db, machineId, read.value, by),
    );
  }

  @Post('integrations/:reference/machines/grants/:id/decide')
  @Permission('machines:approve', { face: 'console' })
  async decideGrant(
    @Param('reference', name) integration: string,
    @Param('id', id) grantId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#own(integration, by, { grantId });
    const read = readForm(decideForm, body);
    const again = (problems: FormProblems) =>
      this.#show(integration, by, { about: 'page', problems, typed: {} });
    if (!read.ok) return again({ '': 'Approve it, or refuse it.' });
    return this.#done(integration, by, again, 'Your decision is on record.', (db) =>
      this.grants.decide(db, grantId, read.value.decision === 'approve', by),
    );
  }

  @Post('integrations/:reference/machines/grants/:id/end')
  @Permission('machines:write', { face: 'console' })
  async endGrant(
    @Param('reference', name) integration: string,
    @Param('id', id) grantId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#own(integration, by, { grantId });
    return this.#done(integration, by, undefined, 'Ended, with what was held under it.', (db) =>
      this.grants.end(db, grantId, by),
    );
  }

  @Post('integrations/:reference/machines/checkouts/:id/end')
  @Permission('checkouts:end', { face: 'console' })
  async end(
    @Param('reference', name) integration: string,
    @Param('id', id) checkoutId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#own(integration, by, { checkoutId });
    return this.#done(integration, by, undefined, 'Ended. The machine is told so when it asks.', (db) =>
      this.checkouts.revoke(db, checkoutId, by),
    );
  }

  async #done(
    integration: string,
    by: Principal,
    again: ((problems: FormProblems) => Promise<Answer>) | undefined,
    text: string,
    work: (db: Db) => Promise<Result<unknown, Refusal>>,
  ): Promise<Answer> {
    const done = await this.transactions.run(by, work);
    if (done.ok) return goes(`/integrations/${integration}/machines`, { tone: 'dead', text });
    const problems = problemsOf(done.error.message, done.error.fields);
    return again ? again(problems) : this.#show(integration, by, { about: 'page', problems, typed: {} });
  }

  /** A thing of another integration is as good as none. */
  async #own(
    integration: string,
    by: Principal,
    of: { machineId?: string; grantId?: string; checkoutId?: string },
  ): Promise<void> {
    const { machines, grants, held } = await this.#model(integration, by);
    const there =
      (of.machineId !== undefined && machines.some((one) => one.id === of.machineId)) ||
      (of.grantId !== undefined && grants.some((one) => one.id === of.grantId)) ||
      (of.checkoutId !== undefined && held.some((one) => one.id === of.checkoutId));
    if (!there) throw nothing();
  }

  async #show(integration: string, by: Principal, form?: MachineForm): Promise<Answer> {
    const model = await this.#model(integration, by);
    return shows(
      (frame) => MachinesView({ frame, ...model, hand: by.personId ?? by.id, form }),
      form ? 422 : 200,
    );
  }

  #model(integration: string, by: Principal) {
    return this.transactions.run(by, async (db) => {
      const head = await findIntegration(db, integration);
      if (!head) throw nothing();
      return {
        head,
        machines: await machineLines(db, head.id),
        grants: await grantLines(db, head.id),
        held: await heldBy(db, { integrationId: head.id }, this.clock.now()),
        choices: await machineChoices(db, head.id),
      };
    });
  }
}

function nothing(): Refused {
  return new Refused(refusal('not_found', 'not-found', 'There is no such thing, or it is not yours to see.'));
}

/** The API says "must …"; a page says what the field must be as a sentence. */
function capitals(problems: FormProblems): FormProblems {
  return Object.fromEntries(
    Object.entries(problems).map(([field, text]) => [field, text.startsWith('must') ? `It ${text}.` : text]),
  );
}
