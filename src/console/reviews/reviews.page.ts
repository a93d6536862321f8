import { Body, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { listReviews } from '../../domain/policy/access-reviews.queries.ts';
import { AccessReviewsService } from '../../domain/policy/access-reviews.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { findIntegration } from '../integrations/integration.queries.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { listed, PAGE_SIZE, readTimeCursor, timeCursor } from '../shared/paging.tsx';
import { reference, searchAfter, searchFlag } from '../shared/search.ts';
import { ReviewsView } from './reviews.view.tsx';

const query = z.object({
  open: searchFlag,
  after: searchAfter,
  /** Comes from the page of an integration: the form is filled in with it. */
  integration: reference.optional().catch(undefined),
});
const form = z
  .strictObject({
    integration: z
      .string()
      .trim()
      .regex(/^$|^INT-\d{4}-\d{1,9}$/, 'Give the reference of an integration, such as INT-2026-0001.'),
    tier: z.enum(['', '1', '2', '3', '4']),
    reason: z.string().trim().min(1, 'Say why: it goes on record.').max(1000),
  })
  .refine(({ integration, tier }) => (integration === '') !== (tier === ''), {
    path: ['integration'],
    message: 'Name one integration, or choose a tier; not both.',
  });

/** Campaigns in which people look again at who may view, rotate and revoke. */
@ConsolePage()
export class ReviewsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly reviews: AccessReviewsService,
  ) {}

  @Get('access-reviews')
  @Permission('reviews:read', { face: 'console' })
  list(@Query() asked: unknown, @By() by: Principal): Promise<Answer> {
    return this.#show(query.parse(asked), by);
  }

  @Post('access-reviews')
  @Permission('reviews:open', { face: 'console' })
  async open(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const again = (problems: FormProblems) => this.#show({}, by, { typed: typedIn(body), problems });
    const read = readForm(form, body);
    if (!read.ok) return again(read.error);
    const { integration, tier, reason } = read.value;
    const found = integration
      ? await this.transactions.run(by, (db) => findIntegration(db, integration))
      : undefined;
    if (integration && !found) return again({ integration: 'There is no integration with this reference.' });
    const opened = await this.reviews.openByHand(
      { reason, ...(found ? { integrationIds: [found.id] } : { riskTier: Number(tier) }) },
      by,
    );
    if (!opened.ok)
      return again({
        [integration ? 'integration' : 'tier']:
          Object.values(problemsOf(opened.error.message, opened.error.fields))[0] ?? opened.error.message,
      });
    return goes(`/access-reviews/${opened.value.reference}`, { tone: 'wait', text: 'The review is open.' });
  }

  async #show(
    asked: Partial<z.output<typeof query>>,
    by: Principal,
    form?: { typed: Record<string, string>; problems: FormProblems },
  ): Promise<Answer> {
    const { open, after, integration } = asked;
    const cursor = readTimeCursor(after);
    const rows = await this.transactions.run(by, (db) =>
      listReviews(
        db,
        {
          limit: PAGE_SIZE + 1,
          open: open === '1',
          after: cursor && { at: cursor.at.getTime(), id: cursor.id },
        },
        this.clock.now(),
      ),
    );
    const page = listed(rows, ({ openedAt, id }) => timeCursor(Date.parse(openedAt), id));
    return shows(
      (frame) =>
        ReviewsView({
          frame,
          page,
          open: open === '1',
          first: cursor === undefined,
          typed: form?.typed ?? (integration ? { integration } : {}),
          problems: form?.problems ?? {},
          asked: form !== undefined || integration !== undefined,
        }),
      form ? 422 : 200,
    );
  }
}
