import { Get, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, PerMinute, Permission } from '../../domain/access/route.ts';
import { completenessFile } from '../../domain/incidents/completeness-file.ts';
import { completenessOf } from '../../domain/incidents/completeness.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { Controller } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { PAGE_SIZE, cursorText, readCursor } from '../shared/paging.tsx';
import { reference, searchAfter } from '../shared/search.ts';
import { CompletenessView } from './completeness.view.tsx';
import { findNamed } from './mass.queries.ts';

const name = { schema: reference };
const query = z.object({
  since: z.iso.datetime({ offset: true }).optional().catch(undefined),
  after: searchAfter,
});

/** Whether everything of one supplier is proven dead, as of now. */
@ConsolePage()
export class CompletenessPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('completeness/:reference')
  @Permission('revocations:read', { face: 'console' })
  async show(
    @Param('reference', name) supplier: string,
    @Query() asked: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { since, after } = query.parse(asked);
    const proof = await this.transactions.run(by, async (db) => {
      const party = await findNamed(db, 'party', { reference: supplier });
      return (
        party &&
        completenessOf(db, party.id, this.clock.now(), {
          since: since === undefined ? null : Date.parse(since),
          after: readCursor(after)?.id,
          limit: PAGE_SIZE,
        })
      );
    });
    if (!proof) throw nowhere();
    const next = proof.next === null ? undefined : cursorText({ key: '', id: proof.next });
    return shows((frame) => CompletenessView({ frame, proof, since, next, first: after === undefined }));
  }
}

/** The same as a file, whole. */
@Controller()
@ApiExcludeController()
export class CompletenessFilePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('completeness/:reference/lines.csv')
  @Permission('revocations:read', { face: 'console' })
  @PerMinute(10)
  async csv(
    @Param('reference', name) supplier: string,
    @Query() asked: unknown,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { since } = query.parse(asked);
    const party = await this.transactions.run(by, (db) => findNamed(db, 'party', { reference: supplier }));
    const file =
      party &&
      (await completenessFile(this.transactions, by, party.id, {
        now: this.clock.now(),
        since: since === undefined ? null : Date.parse(since),
      }));
    if (!file) throw nowhere();
    void reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${file.name}"`)
      .header('cache-control', 'no-store')
      .send(file.stream);
  }
}

function nowhere(): Refused {
  return new Refused(
    refusal('not_found', 'not-found', 'There is no such supplier, or it is not yours to see.'),
  );
}
