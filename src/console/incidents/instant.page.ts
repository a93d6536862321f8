import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { instantIn, isZone } from '../../kernel/calendar.ts';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { IncidentsService } from '../../domain/incidents/incidents.service.ts';
import { INSTANT_KINDS } from '../../domain/incidents/instants.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { InstantPageView, type RefusedInstant } from './instant.view.tsx';
import { findIncident } from './room.queries.ts';

const form = z.object({
  kind: z.enum(INSTANT_KINDS),
  at: z
    .string()
    .trim()
    .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/, 'A date and a time.'),
  zone: z.string().trim().max(60).refine(isZone, 'No time zone that is known, like Europe/Berlin or UTC.'),
  basis: z.string().trim().min(3, 'Say what it rests on: it goes on record.').max(1000),
});
const name = { schema: reference };

/** A person says when something of an incident happened. */
@ConsolePage()
export class InstantPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly incidents: IncidentsService,
  ) {}

  @Get('incidents/:reference/instants')
  @Permission('incidents:act', { face: 'console' })
  show(@Param('reference', name) incident: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(incident, by);
  }

  @Post('incidents/:reference/instants')
  @Permission('incidents:act', { face: 'console' })
  async assert(
    @Param('reference', name) incident: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(form, body);
    if (!read.ok) return this.#draw(incident, by, { problems: read.error, typed });
    const { kind, at: local, zone, basis } = read.value;
    const at = instantIn(local, zone);
    if (at === undefined)
      return this.#draw(incident, by, { problems: { at: 'There is no such date or time.' }, typed });
    const { id } = await this.#head(incident, by);
    const done = await this.incidents.assertInstant(id, { kind, at: iso(at), zone, basis, caseId: null }, by);
    if (!done.ok) {
      const problems = problemsOf(done.error.message, done.error.fields);
      return this.#draw(incident, by, { problems, typed });
    }
    return goes(`/incidents/${incident}`, { tone: 'dead', text: 'The instant is on record.' });
  }

  async #draw(incident: string, by: Principal, refused?: RefusedInstant): Promise<Answer> {
    const head = await this.#head(incident, by);
    return shows(
      (frame) => InstantPageView({ frame, head, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }

  async #head(incident: string, by: Principal) {
    const head = await this.transactions.run(by, (db) => findIncident(db, incident));
    if (!head)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such incident, or it is not yours to see.'),
      );
    return head;
  }
}
