import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { DeliveryLog, LOGGED } from '../../domain/exposures/delivery-log.service.ts';
import { SourcePolls } from '../../domain/exposures/source-polls.service.ts';
import { SourcesService } from '../../domain/exposures/sources.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { findSource } from './source.queries.ts';
import { SourceView } from './source.view.tsx';

const key = { schema: z.string().regex(/^[a-z0-9-]{1,60}$/) };
const id = { schema: z.uuid() };
const page = z.object({
  before: z.uuid().optional().catch(undefined),
  only: z.enum(LOGGED).optional().catch(undefined),
});
const PAGE = 50;

const keyForm = z.object({ secret: z.string().min(1, 'Paste the key.').max(65_536) });

/** One source of reports: what it is, its keys, what it delivered and what was refused. */
@ConsolePage()
export class SourcePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly sources: SourcesService,
    private readonly log: DeliveryLog,
    private readonly polls: SourcePolls,
  ) {}

  @Get('settings/sources/:key')
  @Permission('sources:read', { face: 'console' })
  show(@Param('key', key) name: string, @Query() query: unknown, @By() by: Principal): Promise<Answer> {
    return this.#draw(name, by, page.parse(query));
  }

  @Post('settings/sources/:key/poll')
  @Permission('sources:write', { face: 'console' })
  async poll(@Param('key', key) name: string, @By() by: Principal): Promise<Answer> {
    const source = await this.#source(name, by);
    const asked = await this.polls.askNow(source.id, by);
    if (!asked.ok || asked.value.problem !== null)
      return goes(`/settings/sources/${name}`, {
        tone: 'live',
        text: asked.ok ? (asked.value.problem ?? '') : asked.error.message,
      });
    const { taken, refused } = asked.value;
    const what =
      taken + refused === 0 ? 'It had nothing' : `${taken} stored and acknowledged, ${refused} refused`;
    return goes(`/settings/sources/${name}`, {
      tone: refused > 0 ? 'wait' : 'dead',
      text: `It was asked. ${what}.`,
    });
  }

  @Post('settings/sources/:key/keys')
  @Permission('sources:write', { face: 'console' })
  async addKey(@Param('key', key) name: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const form = readForm(keyForm, body);
    if (!form.ok) return this.#draw(name, by, { problems: form.error });
    const source = await this.#source(name, by);
    const added = await this.sources.addKey(source.id, Secret.of(form.value.secret.trim()), by);
    if (added.ok)
      return goes(`/settings/sources/${name}`, {
        tone: 'dead',
        text: 'Both keys are good now. Retire the old one when the source signs with the new one.',
      });
    const [first] = added.error.fields ?? [];
    return this.#draw(name, by, {
      problems: { secret: first ? `The key ${first.problem}.` : added.error.message },
    });
  }

  @Post('settings/sources/:key/keys/:id/retire')
  @Permission('sources:write', { face: 'console' })
  async retireKey(
    @Param('key', key) name: string,
    @Param('id', id) keyId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const source = await this.#source(name, by);
    return after(name, await this.sources.retireKey(source.id, keyId, by), 'The key is retired.');
  }

  @Post('settings/sources/:key/switch')
  @Permission('sources:write', { face: 'console' })
  async switch(@Param('key', key) name: string, @By() by: Principal): Promise<Answer> {
    const source = await this.#source(name, by);
    const done = await this.sources.edit(source.id, source.rowVersion, { active: !source.active }, by);
    return after(name, done, source.active ? 'Deliveries are refused now.' : 'Deliveries are taken again.');
  }

  @Post('settings/sources/:key/deliveries/:id/replay')
  @Permission('sources:write', { face: 'console' })
  async replay(
    @Param('key', key) name: string,
    @Param('id', id) deliveryId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const done = await this.log.replay(deliveryId, by);
    const count = done.ok ? done.value.matching + done.value.fetching : 0;
    return after(
      name,
      done,
      count === 0
        ? 'Nothing of it was open: all stays as it is.'
        : `${count === 1 ? 'One exposure is' : `${count} exposures are`} gone through again.`,
    );
  }

  async #source(name: string, by: Principal) {
    const found = await this.transactions.run(by, (db) => findSource(db, name));
    if (!found) throw new Refused(refusal('not_found', 'no-such-source', 'There is no such source.'));
    return found;
  }

  async #draw(
    name: string,
    by: Principal,
    o: Partial<z.output<typeof page>> & { problems?: FormProblems } = {},
  ): Promise<Answer> {
    const source = await this.#source(name, by);
    const asked = { limit: PAGE + 1, ...(o.before ? { before: o.before } : {}), only: o.only };
    const found = await this.log.list(source.id, asked, by);
    const { deliveries: rows, refused } = found.ok ? found.value : { deliveries: [], refused: [] };
    const deliveries = rows.slice(0, PAGE);
    const next = rows.length > PAGE ? deliveries.at(-1)?.id : undefined;
    const kind = this.sources.known().find((one) => one.key === source.kind);
    return shows(
      (frame) =>
        SourceView({
          frame,
          source,
          title: kind?.title ?? source.kind,
          signs: kind?.filesOnly === false,
          takes: kind?.bodyLimit ?? null,
          log: { deliveries, refused, only: o.only, next, first: o.before === undefined },
          problems: o.problems,
        }),
      o.problems ? 422 : 200,
    );
  }
}

function after(name: string, done: Result<unknown, Refusal>, said: string): Answer {
  return goes(
    `/settings/sources/${name}`,
    done.ok ? { tone: 'dead', text: said } : { tone: 'live', text: done.error.message },
  );
}
