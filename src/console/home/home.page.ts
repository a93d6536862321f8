import { Get } from '@nestjs/common';
import type { Principal } from '../../kernel/principal.ts';
import { may } from '../../domain/access/permissions.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { listNotices } from '../../domain/notices/notices.queries.ts';
import { listSteps } from '../../domain/runbooks/steps.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { listIncidents } from '../incidents/incidents.queries.ts';
import { listAlerts } from '../notices/alerts.queries.ts';
import { askedOf, incidentReferences, mineOf, workCounts } from '../runbooks/work.queries.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { importsNow, nextDuties, nowOf, troubleOf } from './home.queries.ts';
import { HomeView } from './home.view.tsx';

/** What a responder looks at first. */
@ConsolePage()
export class HomePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Permission('self:read', { face: 'console' })
  async show(@By() by: Principal): Promise<Answer> {
    // Incidents belong to the installation: for a party's own people, and those who see no incident, the portfolio is first.
    if (by.partyId !== null || !may(by, 'incidents:read')) return goes('/portfolio');
    const now = this.clock.now();
    const model = await this.transactions.run(by, async (db) => {
      const steps = await listSteps(db, {
        states: ['parked'],
        mine: mineOf(by),
        limit: 6,
      });
      return {
        current: await nowOf(db),
        incidents: await listIncidents(db, { open: true, limit: 8 }),
        steps,
        asked: await askedOf(db, steps),
        references: await incidentReferences(db, steps),
        work: await workCounts(db),
        notices: (await listNotices(db, { timeliness: 'open', limit: 100 }))
          .filter((notice) => notice.obligation === 'required')
          .sort((a, b) => (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity))
          .slice(0, 8),
        duties: await nextDuties(db, 5),
        alerts: await listAlerts(db, { handled: false, limit: 5 }),
        imports: await importsNow(db),
        trouble: await troubleOf(db, now),
      };
    });
    return shows((frame) => HomeView({ frame, ...model }));
  }
}
