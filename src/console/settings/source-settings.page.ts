import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { TRUSTS } from '../../domain/exposures/exposure.rules.ts';
import {
  createSourceSchema,
  editSourceSchema,
  type SourceView,
} from '../../domain/exposures/source.schema.ts';
import { SourcesService, type KnownKind } from '../../domain/exposures/sources.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { NewSourceView } from './new-source.view.tsx';
import { findSource, listOwners, type SourceFacts } from './source.queries.ts';
import { SETTING } from './source.view.tsx';
import { SourceSettingsView } from './source-settings.view.tsx';

const key = { schema: z.string().regex(/^[a-z0-9-]{1,60}$/) };

const text = (longest: number) => z.string().trim().max(longest).default('');
const newForm = z.looseObject({
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
  pollEverySeconds: text(12),
});

const number = z.string().trim().default('');
const editForm = z.looseObject({
  version: z.coerce.number().int(),
  name: z.string().trim(),
  environment: z.string().trim(),
  trust: z.enum(TRUSTS),
  ownerContactId: text(60),
  quotaPerHour: number,
  bodyLimit: number,
  pollEverySeconds: number,
  apiBaseUrl: text(2000),
  apiToken: text(4000),
  dropToken: z.literal('1').optional(),
});

/** A new source of reports, and what is set up for one. */
@ConsolePage()
export class SourceSettingsPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly sources: SourcesService,
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
      pollEverySeconds,
      environment,
      ownerContactId,
      key,
      kind,
      name,
      trust,
    } = form.value;
    const flags = this.#flagsOf(form.value);
    const strange = flags.find((flag) => flag.kind.key !== kind);
    if (strange)
      return again({ '': `“${SETTING[strange.name] ?? strange.name}” is only for: ${strange.kind.title}.` });
    const settings = {
      ...Object.fromEntries(
        Object.entries({ issuer, audience, jwksUri, pollUrl }).filter(([, value]) => value !== ''),
      ),
      ...Object.fromEntries(flags.map((flag) => [flag.name, true])),
    };
    const input = createSourceSchema.safeParse({
      key,
      kind,
      name,
      trust,
      settings,
      ...(pollEverySeconds === '' ? {} : { pollEverySeconds: wholeOf(pollEverySeconds) }),
      ...(environment === '' ? {} : { environment }),
      ...(ownerContactId === '' ? {} : { ownerContactId }),
      ...(apiBaseUrl === '' ? {} : { apiBaseUrl }),
      ...(apiToken === '' ? {} : { apiToken }),
      keys: secret.trim() === '' ? [] : [secret.trim()],
    });
    if (!input.success) return again(namedBy(input.error.issues));
    const made = await this.sources.create(input.data, by);
    if (!made.ok) {
      const named = made.error.fields?.map((one) => ({ ...one, field: fieldOf(one.field.slice(1)) }));
      return again(problemsOf(made.error.message, named));
    }
    return goes(`/settings/sources/${made.value.key}`, this.#madeOf(made.value));
  }

  /** The boxes of a form that are ticked, of whatever kind they are. */
  #flagsOf(form: Record<string, unknown>): { name: string; kind: KnownKind }[] {
    return this.sources
      .known()
      .flatMap((kind) =>
        kind.settings
          .filter(({ name, type }) => type === 'flag' && form[`${kind.key}.${name}`] === '1')
          .map(({ name }) => ({ name, kind })),
      );
  }

  /** Whether it may deliver at once. */
  #madeOf({ kind, keys }: SourceView): { tone: 'dead' | 'wait'; text: string } {
    const known = this.sources.known().find((one) => one.key === kind);
    return keys.length > 0 || known?.filesOnly === true
      ? { tone: 'dead', text: 'The source may deliver.' }
      : {
          tone: 'wait',
          text: 'The source is there. It may not deliver until it has a key, set here or published by its sender.',
        };
  }

  @Get('settings/sources/:key/edit')
  @Permission('sources:write', { face: 'console' })
  async filled(@Param('key', key) name: string, @By() by: Principal): Promise<Answer> {
    const source = await this.#source(name, by);
    return this.#edit(source, by, formOf(source));
  }

  @Post('settings/sources/:key/edit')
  @Permission('sources:write', { face: 'console' })
  async edit(@Param('key', key) name: string, @Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const source = await this.#source(name, by);
    const { apiToken: _, ...typed } = typedIn(body);
    const again = (problems: FormProblems) => this.#edit(source, by, typed, problems);
    const form = readForm(editForm, body);
    if (!form.ok) return again(form.error);
    const change = editSourceSchema.safeParse(changeOf(form.value, this.#kindOf(source)));
    if (!change.success) return again(namedBy(change.error.issues, 'settings.'));
    const done = await this.sources.edit(source.id, form.value.version, change.data, by);
    if (done.ok) return goes(`/settings/sources/${name}`, { tone: 'dead', text: 'The source is changed.' });
    if (done.error.kind === 'precondition')
      return again({ '': 'Somebody changed the source since you opened this page. Open it again.' });
    const named = done.error.fields?.map((one) => ({
      ...one,
      field: fieldOf(one.field.slice(1), 'settings.'),
    }));
    return again(problemsOf(done.error.message, named));
  }

  async #blank(by: Principal, typed: Record<string, string>, problems?: FormProblems): Promise<Answer> {
    const owners = await this.transactions.run(by, listOwners);
    return shows(
      (frame) => NewSourceView({ frame, kinds: this.sources.known(), owners, typed, problems }),
      problems ? 422 : 200,
    );
  }

  async #edit(
    source: SourceFacts,
    by: Principal,
    typed: Record<string, string>,
    problems?: FormProblems,
  ): Promise<Answer> {
    const owners = await this.transactions.run(by, listOwners);
    const kind = this.#kindOf(source);
    return shows(
      (frame) => SourceSettingsView({ frame, source, kind, owners, typed, problems }),
      problems ? 422 : 200,
    );
  }

  /** Of a kind that is switched off only what every source has can be changed. */
  #kindOf(source: SourceFacts): KnownKind | undefined {
    return this.sources.known().find((one) => one.key === source.kind);
  }

  async #source(name: string, by: Principal): Promise<SourceFacts> {
    const found = await this.transactions.run(by, (db) => findSource(db, name));
    if (!found) throw new Refused(refusal('not_found', 'no-such-source', 'There is no such source.'));
    return found;
  }
}

/** The source as the form shows it. Of a token only that there is one. */
function formOf(source: SourceFacts): Record<string, string> {
  const settings = Object.entries(source.settings).map(([name, value]) => [
    `settings.${name}`,
    value === true ? '1' : value === false ? '' : value,
  ]);
  return {
    ...Object.fromEntries(settings),
    version: String(source.rowVersion),
    name: source.name,
    environment: source.environment,
    trust: source.trust,
    ownerContactId: source.ownerContactId ?? '',
    quotaPerHour: String(source.quotaPerHour),
    bodyLimit: source.bodyLimit === null ? '' : String(source.bodyLimit),
    pollEverySeconds: String(source.pollSeconds),
    apiBaseUrl: source.apiBaseUrl ?? '',
  };
}

/** What the form asks for: of what it does not show for this kind, nothing. */
function changeOf(form: z.output<typeof editForm>, kind: KnownKind | undefined): unknown {
  const { name, environment, trust, ownerContactId, quotaPerHour, bodyLimit, pollEverySeconds } = form;
  const settings = Object.fromEntries(
    (kind?.settings ?? []).flatMap((field): [string, unknown][] => {
      const given = form[`settings.${field.name}`];
      if (field.type === 'flag') return [[field.name, given === '1']];
      const typed = typeof given === 'string' ? given.trim() : '';
      return typed === '' && !field.required ? [] : [[field.name, typed]];
    }),
  );
  const delivers = kind?.filesOnly === false;
  const asked = kind?.asksItsApi === true || kind?.polls === true;
  return {
    name,
    environment,
    trust,
    ownerContactId: ownerContactId === '' ? null : ownerContactId,
    ...(kind && kind.settings.length > 0 ? { settings } : {}),
    ...(delivers
      ? { quotaPerHour: wholeOf(quotaPerHour), bodyLimit: bodyLimit === '' ? null : wholeOf(bodyLimit) }
      : {}),
    ...(kind?.polls ? { pollEverySeconds: wholeOf(pollEverySeconds) } : {}),
    ...(kind?.asksItsApi ? { apiBaseUrl: form.apiBaseUrl === '' ? null : form.apiBaseUrl } : {}),
    ...(asked && form.apiToken !== '' ? { apiToken: form.apiToken } : {}),
    ...(asked && form.apiToken === '' && form.dropToken ? { apiToken: null } : {}),
  };
}

/** What is no number stays what it is, and is refused as that. */
function wholeOf(typed: string): number | string {
  return /^\d{1,12}$/.test(typed) ? Number(typed) : typed;
}

function namedBy(issues: readonly { path: PropertyKey[]; message: string }[], prefix = ''): FormProblems {
  const problems: Record<string, string> = {};
  for (const { path, message } of issues) problems[fieldOf(path.map(String).join('/'), prefix)] ??= message;
  return problems;
}

/** The field of the form that a field of the source stands in. @param prefix of the fields of its settings */
function fieldOf(path: string, prefix = ''): string {
  if (path.startsWith('keys')) return 'secret';
  return path.startsWith('settings/') ? `${prefix}${path.slice('settings/'.length)}` : path;
}
