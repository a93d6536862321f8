import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { instantIn, isZone } from '../../kernel/calendar.ts';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { HoldsService } from '../../domain/obligations/holds.service.ts';
import { holdOn, PLACE_PATTERN, register, standings } from '../../domain/obligations/obligations.queries.ts';
import { accountsOf, SupplierAccounts } from '../../domain/obligations/supplier-accounts.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { suppliersOf } from './obligations.queries.ts';
import { ObligationsView } from './obligations.view.tsx';
import type { RefusedForm } from './supplier-accounts.view.tsx';
import { findIncident } from './room.queries.ts';

const SHOWN = 300;
const name = { schema: reference };
const pageQuery = {
  schema: z.object({ after: z.string().regex(PLACE_PATTERN).optional().catch(undefined) }),
};
/** A date and a time as the clocks of a zone showed it. */
export const localTime = z
  .string()
  .trim()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/, 'A date and a time.');
export const zoneField = z
  .string()
  .trim()
  .max(60)
  .refine(isZone, 'No time zone that is known, like Europe/Berlin or UTC.');
const basis = z.string().trim().min(3, 'Say what it rests on: it goes on record.').max(1000);
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const accountForm = z.object({
  of: z.string().regex(new RegExp(`^${UUID}:${UUID}$`), 'Choose a supplier.'),
  knewAt: localTime,
  knewBasis: basis,
  toldAt: localTime,
  toldBasis: basis,
  zone: zoneField,
});
const holdForm = z.object({
  what: z.enum(['place', 'lift']),
  reason: z.string().trim().min(3, 'Say why: it goes on record.').max(2000),
});

/** The register of an incident: what has to be told, and when suppliers told us. */
@ConsolePage()
export class ObligationsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly holds: HoldsService,
    private readonly accounts: SupplierAccounts,
  ) {}

  @Get('incidents/:reference/obligations')
  @Permission('incidents:read', { face: 'console' })
  show(
    @Param('reference', name) incident: string,
    @Query(pageQuery) { after }: { after?: string | undefined },
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(incident, by, undefined, after);
  }

  @Post('incidents/:reference/obligations/accounts')
  @Permission('incidents:act', { face: 'console' })
  async account(
    @Param('reference', name) incident: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(accountForm, body);
    if (!read.ok) return this.#draw(incident, by, { form: 'account', problems: read.error, typed });
    const { of, zone, knewBasis, toldBasis } = read.value;
    const [knewAt, toldAt] = [instantIn(read.value.knewAt, zone), instantIn(read.value.toldAt, zone)];
    if (knewAt === undefined || toldAt === undefined)
      return this.#draw(incident, by, {
        form: 'account',
        problems: { [knewAt === undefined ? 'knewAt' : 'toldAt']: 'There is no such date or time.' },
        typed,
      });
    const { id } = await this.#head(incident, by);
    const [caseId = '', partyId = ''] = of.split(':');
    const known = await this.transactions.run(by, (db) => suppliersOf(db, id));
    if (!known.some((one) => one.caseId === caseId && one.partyId === partyId))
      return this.#draw(incident, by, {
        form: 'account',
        problems: { of: 'Choose a supplier of this incident.' },
        typed,
      });
    const done = await this.accounts.state(
      caseId,
      { partyId, knewAt: iso(knewAt), knewBasis, toldAt: iso(toldAt), toldBasis, zone },
      by,
    );
    return this.#after(incident, by, done, { form: 'account', typed }, 'It is on record.');
  }

  @Post('incidents/:reference/obligations/hold')
  @Permission('incidents:act', { face: 'console' })
  async hold(
    @Param('reference', name) incident: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(holdForm, body);
    if (!read.ok) return this.#draw(incident, by, { form: 'hold', problems: read.error, typed });
    const { id } = await this.#head(incident, by);
    const { what, reason } = read.value;
    const done = await (what === 'lift' ? this.holds.lift(id, reason, by) : this.holds.place(id, reason, by));
    return this.#after(
      incident,
      by,
      done,
      { form: 'hold', typed },
      what === 'lift' ? 'The legal hold is lifted.' : 'A legal hold stands on it.',
    );
  }

  #after(
    incident: string,
    by: Principal,
    done: Result<unknown, Refusal>,
    at: Pick<RefusedForm, 'form' | 'typed'>,
    text: string,
  ): Promise<Answer> | Answer {
    if (done.ok) return goes(`/incidents/${incident}/obligations`, { tone: 'dead', text });
    return this.#draw(incident, by, { ...at, problems: problemsOf(done.error.message, done.error.fields) });
  }

  async #draw(incident: string, by: Principal, refused?: RefusedForm, after?: string): Promise<Answer> {
    const head = await this.#head(incident, by);
    const now = this.clock.now();
    const model = await this.transactions.run(by, async (db) => ({
      ...(await register(db, head.id, now, { limit: SHOWN, after })),
      counts: await standings(db, head.id),
      hold: await holdOn(db, head.id),
      accounts: await accountsOf(db, { incidentId: head.id }),
      suppliers: await suppliersOf(db, head.id),
    }));
    return shows(
      (frame) => ObligationsView({ frame, head, now, ...model, first: after === undefined, refused }),
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
