import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { OfferingRetirement } from '../../domain/responsibility/offering-retirement.service.ts';
import { OfferingProposals } from '../../domain/responsibility/offering-proposals.service.ts';
import type { AskedProposals, Chased } from '../../domain/responsibility/offering.schema.ts';
import { findOffering, listTargets, targetDiff } from '../../domain/responsibility/offerings.queries.ts';
import { noOffering, OfferingsService } from '../../domain/responsibility/offerings.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { readForm } from '../shared/forms.tsx';
import type { Flash } from '../shared/frame.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor } from '../shared/paging.tsx';
import { searchAfter, searchText } from '../shared/search.ts';
import { candidates } from './choices.queries.ts';
import { OfferingPageView } from './offering.view.tsx';
import { TargetView } from './target.view.tsx';

const id = z.uuid();
const query = z.object({ q: searchText, after: searchAfter });
const versionForm = z.object({ row_version: z.coerce.number().int().min(0) });
const proposeForm = z.object({
  integration: z
    .union([id.transform((one) => [one]), z.array(id).max(500)], {
      error: 'Choose at least one customer.',
    })
    .optional(),
  everybody: z.literal('1').optional(),
});

const retireForm = versionForm.extend({
  reason: z.string().trim().min(1, 'Say why: it goes on record.').max(2000),
});

/** One offering: every customer, and where each stands. */
@ConsolePage()
export class OfferingPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly offerings: OfferingsService,
    private readonly proposals: OfferingProposals,
    private readonly retirement: OfferingRetirement,
  ) {}

  @Get('offerings/:id')
  @Permission('offerings:read', { face: 'console' })
  show(
    @Param('id', { schema: id }) offeringId: string,
    @Query({ schema: query }) asked: z.output<typeof query>,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(offeringId, by, asked);
  }

  @Post('offerings/:id/publish')
  @Permission('offerings:write', { face: 'console' })
  async publish(
    @Param('id', { schema: id }) offeringId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const read = readForm(versionForm, body);
    if (!read.ok) return this.#draw(offeringId, by, {}, Object.values(read.error));
    const done = await this.offerings.publish(offeringId, read.value.row_version, by);
    if (!done.ok) return this.#draw(offeringId, by, {}, said(done.error), statusOf(done.error));
    return goes(`/offerings/${offeringId}`, {
      tone: 'dead',
      text: `Version ${done.value.number} is published. Propose it to customers now.`,
    });
  }

  @Post('offerings/:id/propose')
  @Permission('offerings:write', { face: 'console' })
  async propose(
    @Param('id', { schema: id }) offeringId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const read = readForm(proposeForm, body);
    const wanted = read.ok ? read.value : undefined;
    if (!wanted || (!wanted.everybody && !wanted.integration?.length))
      return this.#draw(offeringId, by, {}, ['Choose at least one customer.'], 422);
    const asked = await this.proposals.ask(
      offeringId,
      wanted.everybody ? {} : { integrationIds: wanted.integration! },
      by,
    );
    return this.#after(offeringId, by, asked, proposedWords);
  }

  @Post('offerings/:id/remind')
  @Permission('offerings:write', { face: 'console' })
  @PerMinute(10)
  async remind(
    @Param('id', { schema: id }) offeringId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const read = readForm(proposeForm, body);
    const integrationIds = read.ok ? read.value.integration : undefined;
    const chased = await this.proposals.chase(offeringId, integrationIds ? { integrationIds } : {}, by);
    return this.#after(offeringId, by, chased, chasedWords);
  }

  @Post('offerings/:id/retire')
  @Permission('offerings:write', { face: 'console' })
  async retire(
    @Param('id', { schema: id }) offeringId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const read = readForm(retireForm, body);
    if (!read.ok) return this.#draw(offeringId, by, {}, Object.values(read.error), 422);
    const { row_version, reason } = read.value;
    const done = await this.retirement.retire(offeringId, { reason }, row_version, by);
    return this.#after(offeringId, by, done, () => ({
      tone: 'wait',
      text: 'The offering is retired. What not every side had signed is withdrawn; what is signed stays.',
    }));
  }

  @Get('offerings/:id/targets/:integration')
  @Permission('offerings:read', { face: 'console' })
  async target(
    @Param('id', { schema: id }) offeringId: string,
    @Param('integration', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const offering = await findOffering(db, offeringId);
      const diff = offering && (await targetDiff(db, offeringId, integrationId, this.clock.now()));
      return offering && diff ? { offering, diff } : undefined;
    });
    if (!model) throw new Refused(noOffering());
    return shows((frame) => TargetView({ frame, ...model }));
  }

  @Post('offerings/:id/targets/:integration/remove')
  @Permission('offerings:write', { face: 'console' })
  async remove(
    @Param('id', { schema: id }) offeringId: string,
    @Param('integration', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const done = await this.proposals.remove(offeringId, integrationId, by);
    return this.#after(offeringId, by, done, () => ({
      tone: 'dead',
      text: 'The customer is out of the offering. What was proposed and signed stays.',
    }));
  }

  async #after<T>(
    offeringId: Id,
    by: Principal,
    result: Result<T, Refusal>,
    words: (value: T) => Flash,
  ): Promise<Answer> {
    if (!result.ok) return this.#draw(offeringId, by, {}, said(result.error), statusOf(result.error));
    return goes(`/offerings/${offeringId}`, words(result.value));
  }

  async #draw(
    offeringId: Id,
    by: Principal,
    { q, after }: { q?: string | undefined; after?: string | undefined },
    problems: readonly string[] = [],
    status = 200,
  ): Promise<Answer> {
    const cursor = readCursor(after);
    const model = await this.transactions.run(by, async (db) => {
      const offering = await findOffering(db, offeringId);
      if (!offering) return undefined;
      const rows = await listTargets(
        db,
        offeringId,
        { after: cursor && { name: cursor.key, id: cursor.id }, limit: PAGE_SIZE + 1 },
        this.clock.now(),
      );
      return {
        offering,
        page: listed(rows, ({ name, id: of }) => cursorText({ key: name, id: of })),
        others: await candidates(db, offering.supplier.id, q),
      };
    });
    if (!model) throw new Refused(noOffering());
    return shows(
      (frame) => OfferingPageView({ frame, ...model, q, first: after === undefined, problems }),
      problems.length > 0 && status === 200 ? 422 : status,
    );
  }
}

export function said({ message, fields = [] }: Refusal): string[] {
  return [message, ...fields.map(({ field, problem, mend }) => `${placeOf(field)}: ${problem}. ${mend}`)];
}

/** "/terms/terms/0/recipients" as "terms, term 1, recipients". */
function placeOf(field: string): string {
  return field
    .replace(/^\/(rows\/)?/, '')
    .replace(/terms\/(\d+)/, (_, at: string) => `term ${Number(at) + 1}`)
    .replaceAll('_', ' ')
    .replaceAll('/', ', ');
}

export function statusOf({ kind }: Refusal): number {
  return kind === 'precondition' ? 412 : kind === 'conflict' ? 409 : kind === 'not_found' ? 404 : 422;
}

function proposedWords({ version, targets }: AskedProposals): Flash {
  const count = (outcome: string) => targets.filter((one) => one.outcome === outcome).length;
  const refused = targets.find(({ problem }) => problem !== null);
  if (targets.length === 0) return { tone: 'wait', text: 'Nobody is behind: there is nothing to propose.' };
  return {
    tone: refused ? 'wait' : 'dead',
    text: [
      `Version ${version} goes to ${count('queued')} of ${targets.length}.`,
      count('already') > 0 && `${count('already')} have it already.`,
      refused && `${count('refused')} cannot have it: ${refused.problem!.message}`,
    ]
      .filter(Boolean)
      .join(' '),
  };
}

function chasedWords({ targets }: Chased): Flash {
  const count = (outcome: string) => targets.filter((one) => one.outcome === outcome).length;
  return {
    tone: count('reminded') > 0 ? 'dead' : 'wait',
    text: [
      `${count('reminded')} reminded.`,
      count('too_soon') > 0 && `${count('too_soon')} were mailed too recently.`,
      count('nobody_to_mail') > 0 && `${count('nobody_to_mail')} have no contact with a mail address.`,
      targets.length === count('not_waiting') && 'Nobody has to sign.',
    ]
      .filter(Boolean)
      .join(' '),
  };
}
