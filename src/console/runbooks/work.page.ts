import { Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { isId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { reviewsOf } from '../../domain/policy/access-reviews.queries.ts';
import { stuckNotices } from '../../domain/notices/stuck-notices.service.ts';
import { listSteps, type StepFilter } from '../../domain/runbooks/steps.queries.ts';
import { may } from '../../domain/access/permissions.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { listed, PAGE_SIZE } from '../shared/paging.tsx';
import { reference } from '../shared/search.ts';
import { waitingReleases } from '../releases/releases.queries.ts';
import { aboutOf, askedOf, incidentId, incidentReferences, mineOf, workCounts } from './work.queries.ts';
import { WorkView } from './work.view.tsx';

const search = z.object({
  show: z.enum(['mine', 'parked', 'stuck']).catch('mine'),
  after: z.string().refine(isId).optional().catch(undefined),
  incident: reference.optional().catch(undefined),
});

/** What waits for a person, and what should have moved and has not. */
@ConsolePage()
export class WorkPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('work')
  @Permission('runs:read', { face: 'console' })
  async show(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const asked = search.parse(query);
    const model = await this.transactions.run(by, async (db) => {
      const subjectId = asked.incident ? await incidentId(db, asked.incident) : undefined;
      const page = {
        ...(asked.after ? { after: asked.after } : {}),
        ...(subjectId ? { subjectId } : {}),
        limit: PAGE_SIZE + 1,
      };
      const filters: Record<typeof asked.show, StepFilter> = {
        mine: { ...page, states: ['parked'], mine: mineOf(by) },
        parked: { ...page, states: ['parked'] },
        stuck: { ...page, stuck: true },
      };
      const steps = listed(await listSteps(db, filters[asked.show]), ({ id }) => id);
      return {
        steps,
        counts: await workCounts(db),
        notices:
          asked.show === 'stuck' && may(by, 'notices:read')
            ? await stuckNotices(db, this.clock.now(), PAGE_SIZE)
            : [],
        asked: await askedOf(db, steps.rows),
        incidents: await incidentReferences(db, steps.rows),
        about: await aboutOf(db, steps.rows),
        reviews: asked.show === 'mine' && by.personId ? await reviewsOf(db, by.personId) : [],
        releases:
          asked.show === 'mine' && by.personId && may(by, 'approvals:decide')
            ? await waitingReleases(db, by.personId, this.clock.now())
            : 0,
      };
    });
    return shows((frame) =>
      WorkView({ frame, show: asked.show, incident: asked.incident, first: !asked.after, ...model }),
    );
  }
}
