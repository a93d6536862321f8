import { Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { exposureWindows } from '../../domain/incidents/exposure-window.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { cursorText, readCursor } from '../shared/paging.tsx';
import { reference, searchAfter } from '../shared/search.ts';
import { ExposureWindowView } from './exposure-window.view.tsx';
import { findIncident } from './room.queries.ts';

const AT_ONCE = 10;
const query = z.object({ after: searchAfter });

/** From when to when each exposed credential can have been abused, and who used it. */
@ConsolePage()
export class ExposureWindowPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('incidents/:reference/exposure-window')
  @Permission('usage:read', { face: 'console' })
  async show(
    @Param('reference', { schema: reference }) name: string,
    @Query() asked: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { after } = query.parse(asked);
    const from = readCursor(after);
    const { head, windows, next } = await this.transactions.run(by, async (db) => {
      const found = await findIncident(db, name);
      if (!found)
        throw new Refused(
          refusal('not_found', 'not-found', 'There is no such incident, or it is not yours to see.'),
        );
      const page = await exposureWindows(db, found.id, this.clock.now(), {
        cursor: from && /^\d{1,4}$/.test(from.key) ? `${from.key}:${from.id}` : undefined,
        limit: AT_ONCE,
      });
      return { head: found, ...page };
    });
    const [risk, id] = next?.split(':') ?? [];
    return shows((frame) =>
      ExposureWindowView({
        frame,
        head,
        windows,
        next: risk && id ? cursorText({ key: risk, id }) : undefined,
        first: after === undefined,
      }),
    );
  }
}
