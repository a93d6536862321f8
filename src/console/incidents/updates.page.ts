import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { updateCadence } from '../../domain/incidents/update-cadence.queries.ts';
import { UpdateCadence } from '../../domain/incidents/update-cadence.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { findIncident } from './room.queries.ts';
import { UpdatesView } from './updates.view.tsx';

const name = { schema: reference };
const form = z.object({
  everyHours: z
    .string()
    .trim()
    .regex(/^\d{0,3}$/, 'A whole number of hours.')
    .transform((text) => (text === '' ? null : Number(text)))
    .refine((hours) => hours === null || (hours >= 1 && hours <= 720), 'From 1 to 720 hours.'),
});

/** How often those who were told of an incident hear again. */
@ConsolePage()
export class UpdatesPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly cadence: UpdateCadence,
  ) {}

  @Get('incidents/:reference/updates')
  @Permission('incidents:read', { face: 'console' })
  show(@Param('reference', name) incident: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(incident, by);
  }

  @Post('incidents/:reference/updates')
  @Permission('incidents:act', { face: 'console' })
  async set(
    @Param('reference', name) incident: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(form, body);
    if (!read.ok) return this.#draw(incident, by, { problems: read.error, typed });
    const { id } = await this.#head(incident, by);
    const done = await this.cadence.set(id, read.value.everyHours, by);
    if (!done.ok)
      return this.#draw(incident, by, {
        problems: problemsOf(done.error.message, done.error.fields),
        typed,
      });
    return goes(`/incidents/${incident}/updates`, { tone: 'dead', text: 'It is kept.' });
  }

  async #draw(
    incident: string,
    by: Principal,
    refused?: { problems: FormProblems; typed: Readonly<Record<string, string>> },
  ): Promise<Answer> {
    const { id } = await this.#head(incident, by);
    const updates = await this.transactions.run(by, (db) => updateCadence(db, id));
    const now = this.clock.now();
    return shows(
      (frame) => UpdatesView({ frame, reference: incident, updates: updates!, now, refused }),
      refused ? 422 : 200,
    );
  }

  async #head(incident: string, by: Principal) {
    const head = await this.transactions.run(by, (db) => findIncident(db, incident));
    if (head) return head;
    throw new Refused(
      refusal('not_found', 'not-found', 'There is no such incident, or it is not yours to see.'),
    );
  }
}
