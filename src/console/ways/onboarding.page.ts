import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { reviewScopeSchema } from '../../domain/policy/onboarding.schema.ts';
import { OnboardingService } from '../../domain/policy/onboarding.service.ts';
import { PartnersService } from '../../domain/policy/partners.service.ts';
import { onboardingOf } from '../../domain/policy/ways.queries.ts';
import { ConfirmationsService } from '../../domain/responsibility/confirmations.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { actorNames } from '../integrations/gate.queries.ts';
import { findIntegration } from '../integrations/integration.queries.ts';
import { readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { OnboardingPageView, type OnboardingModel } from './onboarding.view.tsx';
import { partnersOf } from './ways.queries.ts';

const name = { schema: reference };
const startForm = z.object({
  reason: z.string().trim().min(1, 'Say why it is wanted: it goes on record.').max(2000),
  fastPath: z
    .literal('true')
    .optional()
    .transform((said) => said === 'true'),
});
const verifyForm = z.object({
  partyId: z.uuid(),
  by: z.union([z.literal('document'), z.uuid()]),
  statement: z.string().trim().min(1, 'Say how you know.').max(2000),
});

/** The way of an integration into production, with the words that people give on it. */
@ConsolePage()
export class OnboardingPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly onboarding: OnboardingService,
    private readonly partners: PartnersService,
    private readonly confirmations: ConfirmationsService,
  ) {}

  @Get('integrations/:reference/onboarding')
  @Permission('policy:read', { face: 'console' })
  show(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    return this.#show(integration, by);
  }

  @Post('integrations/:reference/onboarding')
  @Permission('portfolio:write', { face: 'console' })
  async start(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#model(integration, by);
    const read = readForm(startForm, body);
    if (!read.ok) return this.#show(integration, by, { problems: read.error });
    const done = await this.onboarding.start(head.id, read.value, by);
    if (!done.ok) return this.#show(integration, by, { problem: done.error.message });
    return this.#back(integration, 'The onboarding has begun. You asked for it; others decide.');
  }

  @Post('integrations/:reference/onboarding/scope')
  @Permission('approvals:decide', { face: 'console' })
  async scope(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#model(integration, by);
    const { credentialId, scope, decision, justification } = (body ?? {}) as Record<string, unknown>;
    const read = reviewScopeSchema.safeParse({ credentialId, scope, decision, justification });
    if (!read.success)
      return this.#show(integration, by, { problem: 'Say what the scope is needed for, or that it is not.' });
    const done = await this.onboarding.reviewScope(head.id, read.data, by);
    if (!done.ok) return this.#show(integration, by, { problem: done.error.message });
    return this.#back(`${integration}`, `${read.data.scope}: ${read.data.decision}.`, '#scopes');
  }

  @Post('integrations/:reference/onboarding/verify')
  @Permission('gate:open', { face: 'console' })
  async verify(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { partners } = await this.#model(integration, by);
    const read = readForm(verifyForm, body);
    if (!read.ok) return this.#show(integration, by, { problem: 'Say in one sentence how you know.' });
    const { partyId, by: how, statement } = read.value;
    if (!partners.some(({ id }) => id === partyId)) throw new Refused(notFound());
    const done = await this.partners.verify(
      partyId,
      how === 'document'
        ? { method: 'document', statement }
        : { method: 'contact', contactId: how, statement },
      by,
    );
    if (!done.ok) return this.#show(integration, by, { problem: done.error.message });
    return this.#back(integration, 'The verification is on record, with your name.', '#partners');
  }

  @Post('integrations/:reference/onboarding/ask/:contact')
  @Permission('notices:write', { face: 'console' })
  async ask(
    @Param('reference', name) integration: string,
    @Param('contact', { schema: z.uuid() }) contactId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#model(integration, by);
    const done = await this.confirmations.ask(head.id, contactId, by);
    if (!done.ok) return this.#show(integration, by, { problem: done.error.message });
    return this.#back(integration, `Asked with notice ${done.value.reference}.`, '#partners');
  }

  #back(integration: string, text: string, part = ''): Answer {
    return goes(`/integrations/${integration}/onboarding${part}`, { tone: 'dead', text });
  }

  async #show(
    integration: string,
    by: Principal,
    bad: { problem?: string; problems?: FormProblems } = {},
  ): Promise<Answer> {
    const model = await this.#model(integration, by);
    const refused = bad.problem !== undefined || bad.problems !== undefined;
    return shows((frame) => OnboardingPageView({ frame, model, ...bad }), refused ? 422 : 200);
  }

  #model(integration: string, by: Principal): Promise<OnboardingModel> {
    return this.transactions.run(by, async (db) => {
      const head = await findIntegration(db, integration);
      if (!head) throw new Refused(notFound());
      const onboarding = await onboardingOf(db, head.id);
      const people = onboarding
        ? [onboarding.requestedBy, ...onboarding.scopes.flatMap(({ decidedBy }) => decidedBy ?? [])]
        : [];
      return {
        head,
        onboarding,
        partners: await partnersOf(db, head.id),
        actors: await actorNames(db, people),
      };
    });
  }
}

function notFound() {
  return refusal('not_found', 'not-found', 'There is no such integration, or it is not yours to see.');
}
