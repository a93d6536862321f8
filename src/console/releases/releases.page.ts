import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { TemporaryPermissions } from '../../domain/access/temporary-permissions.service.ts';
import { CheckoutGrants } from '../../domain/releases/checkout-grants.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { readForm } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { askedCheckouts, askedPermissions, consentGrants } from './releases.queries.ts';
import { ReleasesView } from './releases.view.tsx';

const id = { schema: z.uuid() };
const answerForm = z.object({ answer: z.enum(['yes', 'no']) });
const windowForm = z.object({ hours: z.coerce.number().int().min(0).max(168) });

/** Releases that wait for the reader: people who ask to see a value, machines that need consent. */
@ConsolePage()
export class ReleasesPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly permissions: TemporaryPermissions,
    private readonly grants: CheckoutGrants,
  ) {}

  @Get('releases')
  @Permission('approvals:decide', { face: 'console' })
  show(@By() by: Principal): Promise<Answer> {
    return this.#show(by);
  }

  @Post('releases/permissions/:id')
  @Permission('approvals:decide', { face: 'console' })
  decide(@Param('id', id) requestId: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const read = readForm(answerForm, body);
    return this.#done(by, read.ok, (db) =>
      this.permissions.decide(db, requestId, read.ok && read.value.answer === 'yes', by),
    );
  }

  @Post('releases/checkouts/:id')
  @Permission('approvals:decide', { face: 'console' })
  consent(@Param('id', id) checkoutId: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const read = readForm(answerForm, body);
    return this.#done(by, read.ok, (db) =>
      this.grants.consent(db, checkoutId, read.ok && read.value.answer === 'yes', by),
    );
  }

  @Post('releases/grants/:id/window')
  @Permission('approvals:decide', { face: 'console' })
  window(@Param('id', id) grantId: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const read = readForm(windowForm, body);
    return this.#done(by, read.ok, (db) =>
      this.grants.openWindow(db, grantId, read.ok ? read.value.hours : 0, by),
    );
  }

  async #done(
    by: Principal,
    readable: boolean,
    work: (db: Db) => Promise<Result<unknown, Refusal>>,
  ): Promise<Answer> {
    if (!readable) return this.#show(by, 'Choose one of the answers.');
    const done = await this.transactions.run(by, work);
    if (done.ok) return goes('/releases', { tone: 'dead', text: 'Your answer is on record.' });
    if (done.error.kind === 'not_found') throw new Refused(done.error);
    return this.#show(by, done.error.message);
  }

  async #show(by: Principal, problem?: string): Promise<Answer> {
    const now = this.clock.now();
    const model = await this.transactions.run(by, async (db) => ({
      people: await askedPermissions(db, by.personId, now),
      checkouts: await askedCheckouts(db, by.personId, now),
      windows: await consentGrants(db, by.personId),
    }));
    return shows((frame) => ReleasesView({ frame, ...model, problem }), problem === undefined ? 200 : 422);
  }
}
