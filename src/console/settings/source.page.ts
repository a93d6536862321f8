import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { DeliveryLog } from '../../domain/exposures/delivery-log.service.ts';
import { TRUSTS } from '../../domain/exposures/exposure.rules.ts';
import { createSourceSchema } from '../../domain/exposures/source.schema.ts';
import { SourcesService } from '../../domain/exposures/sources.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { findSource, listOwners } from './settings.queries.ts';
import { NewSourceView, SourceView } from './source.view.tsx';

const key = { schema: z.string().regex(/^[a-z0-9-]{1,60}$/) };
const id = { schema: z.uuid() };
const page = z.object({ before: z.uuid().optional().catch(undefined) });
const PAGE = 50;

const text = (longest: number) => z.string().trim().max(longest).default('');
const newForm = z.object({
  key: z.string().trim(),
  kind: z.string().trim(),
  name: z.string().trim(),
  environment: text(60),
  trust: z.enum(TRUSTS),
  ownerContactId: text(60),
  secret: z.string().max(65_536).default(''),
  apiBaseUrl: text(2000),
  apiToken: text(4000),
  issuer: text(1000),
  audience: text(1000),
  jwksUri: text(2000),
  pollUrl: text(2000),
});
const keyForm = z.object({ secret: z.string().min(1, 'Paste the key.').max(65_536) });

/** One source of reports: what it is, its keys, what it delivered; and a new one. */
@ConsolePage()
export class SourcePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly sources: SourcesService,
    private readonly log: DeliveryLog,
  ) {}

  @Get('settings/sources/new')
  @Permission('sources:write', { face: 'console' })
  blank(@By() by: Principal): Promise<Answer> {
    return this.#blank(by, {});
  }

  @Post('settings/sources')
  @Permission('sources:write', { face: 'console' })
  async create(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    // A secret is never written back into a page.
    const { secret: _, apiToken: __, ...typed } = typedIn(body);
    const again = (problems: FormProblems) => this.#blank(by, typed, problems);
    const form = readForm(newForm, body);
    if (!form.ok) return again(form.error);
    const {
      secret,
      apiBaseUrl,
      apiToken,
      issuer,
      audience,
      jwksUri,
      pollUrl,
      environment,
      ownerContactId,
      ...rest
    } = form.value;
    const settings = Object.fromEntries(
      Object.entries({ issuer, audience, jwksUri, pollUrl }).filter(([, value]) => value !== ''),
    );
    const input = createSourceSchema.safeParse({
      ...rest,
      settings,
      ...(environment === '' ? {} : { environment }),
      ...(ownerContactId === '' ? {} : { ownerContactId }),
      ...(apiBaseUrl === '' ? {} : { apiBaseUrl }),
      ...(apiToken === '' ? {} : { apiToken }),
      keys: secret.trim() === '' ? [] : [secret.trim()],
    });
    if (!input.success) {
      const problems: Record<string, string> = {};
      for (const { path, message } of input.error.issues) problems[fieldOf(path.join('/'))] ??= message;
      return again(problems);
    }
    const made = await this.sources.create(input.data, by);
    if (!made.ok) {
      const named = made.error.fields?.map((one) => ({ ...one, field: fieldOf(one.field.slice(1)) }));
      return again(problemsOf(made.error.message, named));
    }
    return goes(`/settings/sources/${made.value.key}`, { tone: 'dead', text: 'The source may deliver.' });
  }

  @Get('settings/sources/:key')
  @Permission('sources:read', { face: 'console' })
  show(@Param('key', key) name: string, @Query() query: unknown, @By() by: Principal): Promise<Answer> {
    return this.#draw(name, by, { before: page.parse(query).before });
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

  async #blank(by: Principal, typed: Record<string, string>, problems?: FormProblems): Promise<Answer> {
    const owners = await this.transactions.run(by, listOwners);
    return shows(
      (frame) => NewSourceView({ frame, kinds: this.sources.known(), owners, typed, problems }),
      problems ? 422 : 200,
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
    o: { before?: string | undefined; problems?: FormProblems } = {},
  ): Promise<Answer> {
    const source = await this.#source(name, by);
    const log = await this.log.list(
      source.id,
      { limit: PAGE + 1, ...(o.before ? { before: o.before } : {}) },
      by,
    );
    const rows = log.ok ? log.value : [];
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
          deliveries,
          next,
          first: o.before === undefined,
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

/** The field of the form that a field of the source stands in. */
function fieldOf(path: string): string {
  if (path.startsWith('keys')) return 'secret';
  return path.startsWith('settings/') ? path.slice('settings/'.length) : path;
}
