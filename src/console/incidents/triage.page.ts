import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { TriageService } from '../../domain/exposures/triage.service.ts';
import { IncidentsService } from '../../domain/incidents/incidents.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { listed, readTimeCursor, timeCursor } from '../shared/paging.tsx';
import { reference, searchAfter } from '../shared/search.ts';
import { findExposure, listExposures, versionOf } from './triage.queries.ts';
import { ExposurePageView, ExposuresView } from './triage.view.tsx';

const name = { schema: reference };
const search = z.object({
  show: z.enum(['triage', 'all']).catch('triage'),
  incident: reference.optional().catch(undefined),
  after: searchAfter,
});
const why = z.string().trim().min(1, 'Say why: it goes on record.').max(2000);
const dismissForm = z.object({ reason: why });
const matchForm = z.object({
  credential: z
    .string()
    .trim()
    .toUpperCase()
    .regex(/^CRD-\d{4}-\d{1,9}$/, 'The reference of a credential, like CRD-2026-0001.'),
  version: z
    .string()
    .trim()
    .regex(/^\d{0,6}$/, 'A number, or nothing for the one in use.')
    .transform((text) => (text ? Number(text) : undefined)),
  reason: why,
});

/** Reports that no machine could place: a person says what each is about, or that it is nothing. */
@ConsolePage()
export class TriagePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly triage: TriageService,
    private readonly incidents: IncidentsService,
  ) {}

  @Get('exposures')
  @Permission('exposures:read', { face: 'console' })
  async list(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const { show, incident, after } = search.parse(query);
    const rows = await this.transactions.run(by, (db) =>
      listExposures(db, { triage: show === 'triage', incident, after: readTimeCursor(after) }),
    );
    const page = listed(rows, ({ receivedAt, id }) => timeCursor(receivedAt, id));
    return shows((frame) => ExposuresView({ frame, show, incident, page, first: !after }));
  }

  @Get('exposures/:reference')
  @Permission('exposures:read', { face: 'console' })
  one(@Param('reference', name) exposure: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(exposure, by);
  }

  @Post('exposures/:reference/dismiss')
  @Permission('incidents:act', { face: 'console' })
  async dismiss(
    @Param('reference', name) exposure: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { id } = await this.#find(exposure, by);
    const typed = typedIn(body);
    const read = readForm(dismissForm, body);
    if (!read.ok) return this.#draw(exposure, by, { form: 'dismiss', problems: read.error, typed });
    const done = await this.triage.dismiss(id, read.value.reason, by);
    if (!done.ok)
      return this.#draw(exposure, by, { form: 'dismiss', problems: { '': done.error.message }, typed });
    return goes(
      '/exposures',
      done.value.state === 'dismissed'
        ? { tone: 'dead', text: 'Dismissed, by two people.' }
        : { tone: 'wait', text: 'You have asked to dismiss it; a second person has to decide.' },
    );
  }

  @Post('exposures/:reference/match')
  @Permission('incidents:act', { face: 'console' })
  async match(
    @Param('reference', name) exposure: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { id } = await this.#find(exposure, by);
    const typed = typedIn(body);
    const read = readForm(matchForm, body);
    const again = (problems: FormProblems) => this.#draw(exposure, by, { form: 'match', problems, typed });
    if (!read.ok) return again(read.error);
    const { credential, version, reason } = read.value;
    const versionId = await this.transactions.run(by, (db) => versionOf(db, credential, version));
    if (!versionId) return again({ credential: 'There is no such credential or version.' });
    const placed = await this.incidents.acceptByHand(id, versionId, reason, by);
    if (!placed.ok) return again({ '': placed.error.message });
    const now = await this.#find(exposure, by);
    return goes(now.incidentReference ? `/incidents/${now.incidentReference}` : '/exposures', {
      tone: 'dead',
      text: 'It has its place now; what was agreed for this credential runs.',
    });
  }

  async #find(exposure: string, by: Principal) {
    const found = await this.transactions.run(by, (db) => findExposure(db, exposure));
    if (!found)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such report, or it is not yours to see.'),
      );
    return found;
  }

  async #draw(
    exposure: string,
    by: Principal,
    refused?: { form: 'dismiss' | 'match'; problems: FormProblems; typed: Record<string, string> },
  ): Promise<Answer> {
    const found = await this.#find(exposure, by);
    return shows(
      (frame) => ExposurePageView({ frame, exposure: found, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }
}
