import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { SIGNAL_NAMES } from '../../domain/signals/signal.rules.ts';
import {
  DELIVERY_STATES,
  editSubscriptionSchema,
  newSubscriptionSchema,
  rotateKeySchema,
} from '../../domain/signals/subscription.schema.ts';
import {
  deliveriesOf,
  subscriptionRow,
  subscriptionRows,
  subscriptionView,
} from '../../domain/signals/subscriptions.queries.ts';
import { StreamsService } from '../../domain/signals/streams.service.ts';
import { SubscriptionsService, type KeyShown } from '../../domain/signals/subscriptions.service.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { listed, readTimeCursor, timeCursor } from '../shared/paging.tsx';
import { reference } from '../shared/search.ts';
import { EndpointView, EndpointsView, KeyOnceView, type PartyName } from './signals.view.tsx';

const name = { schema: reference };
const id = { schema: z.uuid() };
const logQuery = z.object({
  state: z.enum(DELIVERY_STATES).optional().catch(undefined),
  after: z.string().max(200).optional().catch(undefined),
});
const PAGE = 50;

/** Where a party is told what happens: its endpoints, their keys, and what was sent to them. */
@ConsolePage()
export class PartySignalsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly subscriptions: SubscriptionsService,
    private readonly streams: StreamsService,
  ) {}

  @Get('parties/:reference/signals')
  @Permission('signals:read', { face: 'console' })
  show(@Param('reference', name) party: string, @By() by: Principal): Promise<Answer> {
    return this.#list(party, by);
  }

  @Post('parties/:reference/signals')
  @Permission('signals:write', { face: 'console' })
  async create(
    @Param('reference', name) party: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const typed = typedIn(body);
    const head = await this.transactions.run(by, (db) => found(db, party));
    const read = readForm(newSubscriptionSchema, {
      partyId: head.id,
      name: typed['name'] ?? '',
      url: typed['url'] ?? '',
      events: eventsIn(typed),
      signing: typed['signing'] ?? 'v1',
    });
    if (!read.ok) return this.#list(party, by, typed, said(read.error));
    const made = await this.subscriptions.create(read.value, by);
    if (!made.ok) return this.#list(party, by, typed, problemsOf(made.error.message, made.error.fields));
    return this.#once(head, made.value);
  }

  @Get('parties/:reference/signals/:id')
  @Permission('signals:read', { face: 'console' })
  one(
    @Param('reference', name) party: string,
    @Param('id', id) subscriptionId: Id,
    @Query() query: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(party, subscriptionId, by, { query: logQuery.parse(query) });
  }

  @Post('parties/:reference/signals/:id')
  @Permission('signals:write', { face: 'console' })
  async edit(
    @Param('reference', name) party: string,
    @Param('id', id) subscriptionId: Id,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const typed = typedIn(body);
    await this.#known(party, subscriptionId, by);
    const url = typed['url']?.trim() ?? '';
    const read = readForm(editSubscriptionSchema, {
      name: typed['name'] ?? '',
      events: eventsIn(typed),
      ...(url === '' ? {} : { url }),
    });
    if (!read.ok) return this.#draw(party, subscriptionId, by, { typed, problems: said(read.error) });
    const version = Number(/^\d{1,9}$/.exec(typed['rowVersion'] ?? '')?.[0] ?? 0);
    const done = await this.subscriptions.edit(subscriptionId, version, read.value, by);
    if (done.ok) return this.#after(party, subscriptionId, done, 'The endpoint is saved.');
    const problems = problemsOf(done.error.message, done.error.fields);
    return this.#draw(party, subscriptionId, by, { typed, problems });
  }

  @Post('parties/:reference/signals/:id/switch')
  @Permission('signals:write', { face: 'console' })
  async switch(
    @Param('reference', name) party: string,
    @Param('id', id) subscriptionId: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    const row = await this.#known(party, subscriptionId, by);
    const state = row.state === 'enabled' ? 'paused' : 'enabled';
    // The receiver of a stream configures it; what we do with it, it is told.
    const done =
      row.kind === 'webhook'
        ? await this.subscriptions.edit(subscriptionId, row.rowVersion, { state }, by)
        : await this.streams.setStatus(
            subscriptionId,
            { status: state, reason: 'the operator asked for it' },
            by,
          );
    const text = state === 'paused' ? 'Messages wait, for four days at most.' : 'Messages are sent again.';
    return this.#after(party, subscriptionId, done, text);
  }

  @Post('parties/:reference/signals/:id/keys')
  @Permission('signals:write', { face: 'console' })
  async rotate(
    @Param('reference', name) party: string,
    @Param('id', id) subscriptionId: Id,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#known(party, subscriptionId, by);
    const typed = typedIn(body);
    const read = readForm(rotateKeySchema, {
      signing: typed['signing'],
      overlapHours: Number(typed['overlapHours'] || 24),
    });
    if (!read.ok) return this.#draw(party, subscriptionId, by, { problems: said(read.error) });
    const made = await this.subscriptions.rotateKey(subscriptionId, read.value, by);
    if (!made.ok) return this.#after(party, subscriptionId, made, '');
    return this.#once(await this.transactions.run(by, (db) => found(db, party)), made.value);
  }

  @Post('parties/:reference/signals/:id/keys/:key/retire')
  @Permission('signals:write', { face: 'console' })
  async retire(
    @Param('reference', name) party: string,
    @Param('id', id) subscriptionId: Id,
    @Param('key', id) keyId: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#known(party, subscriptionId, by);
    const done = await this.subscriptions.retireKey(subscriptionId, keyId, by);
    return this.#after(party, subscriptionId, done, 'The key signs nothing any more.');
  }

  @Post('parties/:reference/signals/:id/test')
  @Permission('signals:write', { face: 'console' })
  @PerMinute(20)
  async test(
    @Param('reference', name) party: string,
    @Param('id', id) subscriptionId: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#known(party, subscriptionId, by);
    const done = await this.subscriptions.test(subscriptionId, by);
    return this.#after(party, subscriptionId, done, 'A test message is on its way: look at the log.');
  }

  @Post('parties/:reference/signals/:id/messages/:message/send')
  @Permission('signals:write', { face: 'console' })
  @PerMinute(60)
  async send(
    @Param('reference', name) party: string,
    @Param('id', id) subscriptionId: Id,
    @Param('message', id) messageId: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#known(party, subscriptionId, by);
    const done = await this.subscriptions.sendAgain(subscriptionId, messageId, by);
    return this.#after(party, subscriptionId, done, 'It is sent once more, under the same id.');
  }

  @Post('parties/:reference/signals/:id/remove')
  @Permission('signals:write', { face: 'console' })
  async remove(
    @Param('reference', name) party: string,
    @Param('id', id) subscriptionId: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#known(party, subscriptionId, by);
    const done = await this.subscriptions.remove(subscriptionId, by);
    if (!done.ok) return this.#after(party, subscriptionId, done, '');
    return goes(`/parties/${party}/signals`, { tone: 'dead', text: 'It ended, and its secrets are gone.' });
  }

  #after(party: string, subscriptionId: Id, done: Result<unknown, Refusal>, text: string): Answer {
    if (!done.ok && done.error.kind === 'not_found') throw new Refused(done.error);
    return goes(
      `/parties/${party}/signals/${subscriptionId}`,
      done.ok ? { tone: 'dead', text } : { tone: 'live', text: done.error.message },
    );
  }

  /** The one page that shows a secret, right after it was made: no address leads there. */
  #once(party: PartyName, made: KeyShown): Answer {
    const secret = made.secret?.use((value) => value) ?? null;
    return shows((frame) =>
      KeyOnceView({ frame, party, endpoint: made.subscription, secret, publicKey: made.publicKey }),
    );
  }

  async #known(party: string, subscriptionId: Id, by: Principal) {
    return this.transactions.run(by, async (db) => endpointOf(db, await found(db, party), subscriptionId));
  }

  async #list(
    party: string,
    by: Principal,
    typed: Readonly<Record<string, string>> = {},
    problems?: FormProblems,
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const head = await found(db, party);
      const rows = await subscriptionRows(db, { limit: 100, partyId: head.id });
      return { party: head, endpoints: rows.map(subscriptionView) };
    });
    return shows((frame) => EndpointsView({ frame, ...model, typed, problems }), problems ? 422 : 200);
  }

  async #draw(
    party: string,
    subscriptionId: Id,
    by: Principal,
    o: {
      query?: z.output<typeof logQuery>;
      typed?: Readonly<Record<string, string>>;
      problems?: FormProblems;
    },
  ): Promise<Answer> {
    const { state, after } = o.query ?? {};
    const cursor = readTimeCursor(after);
    const model = await this.transactions.run(by, async (db) => {
      const head = await found(db, party);
      const endpoint = await endpointOf(db, head, subscriptionId);
      const rows = await deliveriesOf(db, subscriptionId, {
        limit: PAGE + 1,
        state,
        after: cursor && { at: cursor.at.getTime(), id: cursor.id },
      });
      return {
        party: head,
        endpoint,
        log: listed(rows, (row) => timeCursor(Date.parse(row.createdAt), row.id), PAGE),
      };
    });
    return shows(
      (frame) =>
        EndpointView({ frame, ...model, state, first: !cursor, typed: o.typed, problems: o.problems }),
      o.problems ? 422 : 200,
    );
  }
}

function eventsIn(typed: Readonly<Record<string, string>>): string[] {
  return SIGNAL_NAMES.filter((one) => typed[`event-${one}`] === '1');
}

/** The words of a schema as sentences beside the field. */
function said(problems: FormProblems): FormProblems {
  return Object.fromEntries(
    Object.entries(problems).map(([field, problem]) => [field, `It ${problem.replace(/\.$/, '')}.`]),
  );
}

async function found(db: Db, party: string): Promise<PartyName> {
  const [head] = await db.query<PartyName[]>(`SELECT id, reference, name FROM party WHERE reference = $1`, [
    party,
  ]);
  if (!head) throw nothing();
  return head;
}

async function endpointOf(db: Db, party: PartyName, subscriptionId: Id) {
  const row = await subscriptionRow(db, subscriptionId);
  if (!row || row.party_id !== party.id) throw nothing();
  return subscriptionView(row);
}

function nothing(): Refused {
  return new Refused(
    refusal('not_found', 'not-found', 'There is no such endpoint, or it is not yours to see.'),
  );
}
