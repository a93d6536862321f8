import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { offboardingOf } from '../../domain/policy/offboarding.queries.ts';
import { OffboardingService } from '../../domain/policy/offboarding.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { actorNames } from '../integrations/gate.queries.ts';
import { findIntegration } from '../integrations/integration.queries.ts';
import { readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { OffboardingPageView, type OffboardingModel } from './offboarding.view.tsx';

const name = { schema: reference };
const form = z.object({
  reason: z.string().trim().min(1, 'Say why it ends: both sides are told.').max(2000),
});

/** The end of an integration, and what holds it open. */
@ConsolePage()
export class OffboardingPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly offboarding: OffboardingService,
    private readonly clock: Clock,
  ) {}

  @Get('integrations/:reference/offboarding')
  @Permission('policy:read', { face: 'console' })
  show(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    return this.#show(integration, by);
  }

  @Post('integrations/:reference/offboarding')
  @Permission('gate:open', { face: 'console' })
  async start(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#model(integration, by);
    const read = readForm(form, body);
    if (!read.ok) return this.#show(integration, by, { problems: read.error });
    const done = await this.offboarding.start(head.id, read.value, by);
    if (!done.ok) return this.#show(integration, by, { problem: done.error.message });
    return goes(`/integrations/${integration}/offboarding`, {
      tone: 'wait',
      text: 'It is out of production. A second person has to confirm that it ends.',
    });
  }

  async #show(
    integration: string,
    by: Principal,
    bad: { problem?: string; problems?: FormProblems } = {},
  ): Promise<Answer> {
    const model = await this.#model(integration, by);
    const refused = bad.problem !== undefined || bad.problems !== undefined;
    return shows((frame) => OffboardingPageView({ frame, model, ...bad }), refused ? 422 : 200);
  }

  #model(integration: string, by: Principal): Promise<OffboardingModel> {
    return this.transactions.run(by, async (db) => {
      const head = await findIntegration(db, integration);
      if (!head)
        throw new Refused(
          refusal('not_found', 'not-found', 'There is no such integration, or it is not yours to see.'),
        );
      const offboarding = await offboardingOf(db, head.id, this.clock.now());
      return {
        head,
        offboarding,
        actors: await actorNames(db, offboarding ? [offboarding.requestedBy] : []),
      };
    });
  }
}
