import { Get, Param } from '@nestjs/common';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { compensatingControlOf } from '../../domain/policy/ways.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { openReviewsOf } from '../../domain/policy/access-reviews.queries.ts';
import { stoppersOfAll } from '../credentials/stoppers.queries.ts';
import { reference } from '../shared/search.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import {
  agreementOf,
  casesOf,
  credentialsOf,
  dependenciesOf,
  findIntegration,
  locationsOf,
  matrixOf,
  partiesOf,
} from './integration.queries.ts';
import { standingOf } from './gate.queries.ts';
import { IntegrationView } from './integration.view.tsx';

@ConsolePage()
export class IntegrationPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('integrations/:reference')
  @Permission('portfolio:read', { face: 'console' })
  async show(@Param('reference', { schema: reference }) name: string, @By() by: Principal): Promise<Answer> {
    const now = this.clock.now();
    const model = await this.transactions.run(by, async (db) => {
      const head = await findIntegration(db, name);
      if (!head)
        throw new Refused(
          refusal('not_found', 'not-found', 'There is no such integration, or it is not yours to see.'),
        );
      const credentials = await credentialsOf(db, head.id);
      return {
        head,
        credentials,
        parties: await partiesOf(db, head.id),
        dependencies: await dependenciesOf(db, head.id),
        matrix: await matrixOf(db, head.id),
        stoppers: await stoppersOfAll(
          db,
          credentials.map(({ id }) => id),
          now,
        ),
        locations: await locationsOf(db, { integrationId: head.id }),
        agreement: head.agreementId ? await agreementOf(db, head.agreementId, now) : undefined,
        cases: await casesOf(db, head.id),
        gate: await standingOf(db, head.id),
        reviews: await openReviewsOf(db, head.id),
        control: await compensatingControlOf(db, head.id),
      };
    });
    return shows((frame) => IntegrationView({ frame, ...model }));
  }
}
