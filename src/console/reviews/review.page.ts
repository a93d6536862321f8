import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { may } from '../../domain/access/permissions.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { AccessDecisions } from '../../domain/policy/access-decisions.service.ts';
import { whyNot } from '../../domain/policy/access-review.rules.ts';
import {
  MOST_ITEMS,
  type ReviewItemView,
  type ReviewView,
} from '../../domain/policy/access-review.schema.ts';
import { rolesThatMay } from '../../domain/policy/access-review-scope.queries.ts';
import {
  findReview,
  GROUPED_WHOLE,
  itemsInOrder,
  itemsOf,
  partRank,
  partsOf,
  possibleReviewers,
} from '../../domain/policy/access-reviews.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { csvText } from '../../platform/sheets/csv.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { addressOf, cursorText, listed, readCursor } from '../shared/paging.tsx';
import { reference, searchAfter, searchFlag } from '../shared/search.ts';
import { BASIS_WORDS, ReviewView as View, type ReviewAsked, type ReviewModel } from './review.view.tsx';

/** How many items a page shows. */
const SHOWN = 100;
/** How many parts a page shows; a campaign of the whole portfolio has more. */
const PARTS = 100;

const name = { schema: reference };
const id = { schema: z.uuid() };
const asked = z.object({
  by: z.enum(['person', 'credential']).catch('credential'),
  part: z.uuid().optional().catch(undefined),
  all: searchFlag,
  after: searchAfter,
  parts: searchAfter,
});
const decideForm = z.preprocess(
  keptWhole,
  z.strictObject({
    item: z
      .union([z.uuid(), z.array(z.uuid())], 'Tick at least one.')
      .transform((items) => [items].flat())
      .refine((items) => items.length <= MOST_ITEMS, `Tick at most ${MOST_ITEMS}.`),
    decision: z.enum(['keep', 'remove']),
    reason: z.string().trim().max(1000, 'is longer than 1,000 characters'),
    back: z.string().max(2000).default(''),
  }),
);
const handOverForm = z.strictObject({
  part: z.uuid(),
  user: z.uuid('Choose somebody.'),
  reason: z.string().trim().min(1, 'Say why: it goes on record.').max(1000),
});

/** A group that is kept whole: its button names every item of it, whatever is ticked. */
function keptWhole(form: unknown): unknown {
  if (typeof form !== 'object' || form === null || !('keep_all' in form)) return form;
  const { keep_all: items, ...rest } = form;
  return { ...rest, decision: 'keep', item: typeof items === 'string' ? items.split(' ') : items };
}

/** One campaign: what is on record, and what is decided about it. */
@ConsolePage()
export class ReviewPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly decisions: AccessDecisions,
  ) {}

  @Get('access-reviews/:reference')
  @Permission('reviews:read', { face: 'console' })
  show(
    @Param('reference', name) review: string,
    @Query() query: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#show(review, asked.parse(query ?? {}), by);
  }

  @Post('access-reviews/:reference/decide')
  @Permission('reviews:decide', { face: 'console' })
  async decide(
    @Param('reference', name) review: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const found = await this.#find(review, by);
    const read = readForm(decideForm, body);
    const back = read.ok
      ? asked.parse(Object.fromEntries(new URLSearchParams(read.value.back)))
      : asked.parse({});
    if (!read.ok) return this.#show(review, back, by, Object.values(read.error)[0]);
    const { item: items, decision, reason } = read.value;
    const done = await this.decisions.decide(found.id, { items, decision, reason }, by);
    if (!done.ok) return this.#show(review, back, by, done.error.message);
    const { after: _after, ...rest } = back;
    return goes(addressOf(`/access-reviews/${review}`, rest), {
      tone: decision === 'keep' ? 'dead' : 'wait',
      text:
        decision === 'keep'
          ? `${done.value.decided} kept.`
          : `${done.value.decided} removed. What only a person can take away is on the page of work.`,
    });
  }

  @Post('access-reviews/:reference/hand-over')
  @Permission('reviews:open', { face: 'console' })
  async handOver(
    @Param('reference', name) review: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const found = await this.#find(review, by);
    const read = readForm(handOverForm, body);
    if (!read.ok) return this.#show(review, asked.parse({}), by, Object.values(read.error)[0]);
    const { part, user: userId, reason } = read.value;
    const done = await this.decisions.handOver(found.id, part, { userId, reason }, by);
    if (!done.ok)
      return this.#show(
        review,
        asked.parse({}),
        by,
        Object.values(problemsOf(done.error.message, done.error.fields))[0],
      );
    return goes(`/access-reviews/${review}`, { tone: 'wait', text: 'Handed over.' });
  }

  @Post('access-reviews/:reference/items/:id/retry')
  @Permission('reviews:decide', { face: 'console' })
  async retry(
    @Param('reference', name) review: string,
    @Param('id', id) itemId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const found = await this.#find(review, by);
    const done = await this.decisions.retryRemoval(found.id, itemId, by);
    if (!done.ok) return this.#show(review, asked.parse({ all: '1' }), by, done.error.message);
    return goes(`/access-reviews/${review}?all=1`, { tone: 'wait', text: 'Asked for once more.' });
  }

  async #find(review: string, by: Principal): Promise<ReviewView> {
    return this.transactions.run(by, (db) => this.#review(db, review));
  }

  async #review(db: Db, name: string): Promise<ReviewView> {
    const found = await findReview(db, { reference: name }, this.clock.now());
    if (!found) throw new Refused(refusal('not_found', 'not-found', 'There is no such access review.'));
    return found;
  }

  async #show(name: string, query: ReviewAsked, by: Principal, problem?: string): Promise<Answer> {
    const cursor = readCursor(query.after);
    const model = await this.transactions.run(by, async (db): Promise<ReviewModel> => {
      const review = await this.#review(db, name);
      const me = by.personId ?? null;
      const from = readCursor(query.parts);
      const shown = listed(
        await partsOf(db, review.id, {
          limit: PARTS + 1,
          firstFor: me,
          from: from && { rank: Number(from.key), id: from.id },
        }),
        (part) => cursorText({ key: String(partRank(part, me)), id: part.id }),
        PARTS,
      );
      const parts = shown.rows;
      // A large one is looked at part by part, one's own first.
      const part = query.part ?? (review.items > GROUPED_WHOLE ? parts[0]?.id : undefined);
      const rows = await itemsOf(db, review.id, {
        by: query.by,
        limit: SHOWN + 1,
        after: cursor && { name: cursor.key, id: cursor.id },
        partId: part,
        open: query.all !== '1',
      });
      const page = listed(rows, ({ group: key, id }) => cursorText({ key, id }), SHOWN);
      // Whoever looks at one part, or at many items, may see some of parts that stand further on.
      const wanted = [...new Set([...page.rows.map(({ partId }) => partId), ...(part ? [part] : [])])];
      const missing = wanted.filter((partId) => !parts.some((one) => one.id === partId));
      const others =
        missing.length > 0 ? await partsOf(db, review.id, { limit: missing.length, ids: missing }) : [];
      const known = new Map([...parts, ...others].map((one) => [one.id, one]));
      return {
        review,
        parts,
        nextParts: shown.next,
        shown: part === undefined ? undefined : known.get(part),
        part,
        page,
        reviewers: may(by, 'reviews:open') ? await possibleReviewers(db, rolesThatMay('reviews:decide')) : [],
        mayDecide: new Set(
          page.rows.filter((row) => mayDecide(row, known.get(row.partId), by)).map(({ id }) => id),
        ),
      };
    });
    return shows(
      (frame) => View({ frame, model, asked: query, ...(problem === undefined ? {} : { problem }) }),
      problem === undefined ? 200 : 422,
    );
  }
}

/** Whether this reader could decide the item, if they gave a reason; the service has the last word. */
function mayDecide(
  item: ReviewItemView,
  part: ReviewModel['parts'][number] | undefined,
  by: Principal,
): boolean {
  if (!may(by, 'reviews:decide') || (item.integration === null && !may(by, 'reviews:open'))) return false;
  const about = { personId: item.subject.personId, decided: item.decision !== null };
  const reviewer = { reviewerPersonId: part?.reviewer?.personId ?? null, reasonToKeep: false };
  return whyNot(about, reviewer, { decision: 'keep', reason: '-' }, { personId: by.personId }) === undefined;
}

const AT_ONCE = 500;

/** The same as a file, whole; read in pages, so that a large campaign passes through little memory. */
@Controller()
@ApiExcludeController()
export class ReviewFile {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('access-reviews/:reference/items.csv')
  @Permission('reviews:read', { face: 'console' })
  @PerMinute(10)
  async csv(
    @Param('reference', name) review: string,
    @By() by: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const found = await this.transactions.run(by, (db) =>
      findReview(db, { reference: review }, this.clock.now()),
    );
    if (!found) throw new Refused(refusal('not_found', 'not-found', 'There is no such access review.'));
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${review}.csv"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    reply.raw.write(
      csvText([
        ['review', review, found.cause, 'outcome SHA-256', found.contentHash ?? 'not finished'],
        COLUMNS,
      ]),
    );
    let after: { partId: Id; number: number } | undefined;
    do {
      const rows = await this.transactions.run(by, (db) =>
        itemsInOrder(db, found.id, { limit: AT_ONCE, after }),
      );
      const last = rows.at(-1);
      after = rows.length === AT_ONCE && last ? { partId: last.partId, number: last.number } : undefined;
      const more = reply.raw.write(csvText(rows.map(recordOf)));
      if (!more && !reply.raw.destroyed)
        await new Promise((resolve) => reply.raw.once('drain', resolve).once('close', resolve));
    } while (after && !reply.raw.destroyed);
    reply.raw.end();
  }
}

const COLUMNS = [
  'item',
  'integration',
  'credential',
  'who',
  'kind',
  'of',
  'by',
  'role',
  'access',
  'decision',
  'reason',
  'decided by',
  'decided at',
  'removal',
  'carried out at',
];

function recordOf(item: ReviewItemView): string[] {
  return [
    String(item.number),
    item.integration ? `${item.integration.reference} ${item.integration.name}` : 'accounts and tokens',
    item.credential ? `${item.credential.reference} ${item.credential.name}` : '',
    item.subject.name,
    item.subject.kind,
    item.subject.of ?? '',
    BASIS_WORDS[item.basis],
    item.role,
    item.access.join(' '),
    item.decision ?? 'open',
    item.reason ?? '',
    item.decidedBy ?? '',
    item.decidedAt ?? '',
    item.work ?? '',
    item.carriedOutAt ?? '',
  ];
}
