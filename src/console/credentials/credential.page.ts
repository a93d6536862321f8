import { Get, Param } from '@nestjs/common';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { may } from '../../domain/access/permissions.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { convergenceOf } from '../../domain/credentials/convergence.rules.ts';
import { holdingsOf, placesOf, targetOf } from '../../domain/credentials/holdings.queries.ts';
import { PermissionWords } from '../../domain/credentials/permission-words.ts';
import { usageOf } from '../../domain/usage/usage.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { locationsOf } from '../integrations/integration.queries.ts';
import { reference } from '../shared/search.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { blastRadiusOf, evidenceOfCredential, findCredential, versionsOf } from './credential.queries.ts';
import { CredentialView } from './credential.view.tsx';
import { stoppersOfAll } from './stoppers.queries.ts';

@ConsolePage()
export class CredentialPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly words: PermissionWords,
  ) {}

  @Get('credentials/:reference')
  @Permission('portfolio:read', { face: 'console' })
  async show(@Param('reference', { schema: reference }) name: string, @By() by: Principal): Promise<Answer> {
    const now = this.clock.now();
    const model = await this.transactions.run(by, async (db) => {
      const head = await findCredential(db, name);
      if (!head)
        throw new Refused(
          refusal('not_found', 'not-found', 'There is no such credential, or it is not yours to see.'),
        );
      const versions = await versionsOf(db, head.id);
      return {
        head,
        versions,
        convergence: convergenceOf(
          (await placesOf(db, [head.id])).get(head.id) ?? [],
          await targetOf(db, head.id),
        ),
        holdings: await holdingsOf(db, { credentialId: head.id }, 50),
        stoppers: (await stoppersOfAll(db, [head.id], now)).get(head.id) ?? [],
        locations: await locationsOf(db, { credentialId: head.id }),
        evidence: await evidenceOfCredential(db, head.id),
        reach: await blastRadiusOf(db, head.id),
        usage: may(by, 'usage:read') && by.partyId === null ? await usageOf(db, head.id) : null,
      };
    });
    const permissions = this.words.wordsFor(
      model.head.scopes.map((scope) => scope.name),
      [model.head.kind, model.head.verifier],
    );
    return shows((frame) => CredentialView({ frame, ...model, permissions }));
  }
}
