import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { EDITABLE } from '../../domain/notices/notice-samples.ts';
import { RECIPIENTS, sourceSchema, textNameSchema } from '../../domain/notices/notice-template.schema.ts';
import { versionsOfText, writtenTexts } from '../../domain/notices/notice-templates.queries.ts';
import { NoticeTemplates } from '../../domain/notices/notice-templates.ts';
import { NoticeTexts, type TextName } from '../../domain/notices/notice-texts.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, letter, shows, type Answer } from '../shared/page.ts';
import { TemplatesView, TemplateView, type Preview } from './templates.view.tsx';

const category = { schema: z.string().max(60) };
const language = { schema: z.string().max(35) };
const search = z.object({
  recipient: z.enum(RECIPIENTS).catch('any'),
  compare: z.coerce.number().int().positive().optional().catch(undefined),
});
const saveForm = sourceSchema.extend({ note: z.string().max(500).default('') });

/** The texts of notices: what is shipped, what was written upon it, and how it would read. */
@ConsolePage()
export class TemplatesPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly texts: NoticeTexts,
    private readonly templates: NoticeTemplates,
  ) {}

  @Get('notice-templates')
  @Permission('notice-templates:read', { face: 'console' })
  async list(@By() by: Principal): Promise<Answer> {
    const written = await this.transactions.run(by, writtenTexts);
    const categories = Object.entries(EDITABLE).map(([key, { title }]) => ({
      category: key,
      title,
      shippedIn: this.templates.languagesOf(key),
      written: written.filter((one) => one.category === key),
    }));
    return shows((frame) => TemplatesView({ frame, categories }));
  }

  @Get('notice-templates/:category/:language')
  @Permission('notice-templates:read', { face: 'console' })
  one(
    @Param('category', category) key: string,
    @Param('language', language) tag: string,
    @Query() query: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { recipient, compare } = search.parse(query);
    return this.#draw(nameOf(key, tag, recipient), by, { compare });
  }

  @Post('notice-templates/:category/:language')
  @Permission('notice-templates:write', { face: 'console' })
  async save(
    @Param('category', category) key: string,
    @Param('language', language) tag: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { do: act, recipient, ...form } = typedIn(body);
    const name = nameOf(key, tag, search.parse({ recipient }).recipient);
    const typed = { form: { ...form, html: form['html'] ?? '' } };
    const at = `/notice-templates/${name.category}/${name.language}?recipient=${name.recipient}`;
    if (act === 'shipped') {
      const done = await this.transactions.run(by, (db) => this.texts.save(db, name, null, '', by));
      if (!done.ok) throw new Refused(done.error);
      return goes(at, { tone: 'dead', text: 'The shipped text is used again.' });
    }
    const read = readForm(saveForm, lined(form));
    if (!read.ok) return this.#draw(name, by, { ...typed, problems: read.error, status: 422 });
    const { note, ...source } = read.value;
    if (act === 'preview') {
      const preview = await this.transactions.run(by, (db) => this.texts.preview(db, name.category, source));
      return preview.ok
        ? this.#draw(name, by, { ...typed, preview: preview.value })
        : this.#draw(name, by, { ...typed, problems: sentences(preview.error), status: 422 });
    }
    const done = await this.transactions.run(by, (db) => this.texts.save(db, name, source, note, by));
    return done.ok
      ? goes(at, { tone: 'dead', text: `Version ${done.value.number} writes every such notice from now on.` })
      : this.#draw(name, by, { ...typed, problems: sentences(done.error), status: 422 });
  }

  /** The text that writes such notices now, as a mail program shows it. */
  @Get('notice-templates/:category/:language/html')
  @Permission('notice-templates:read', { face: 'console' })
  async mail(
    @Param('category', category) key: string,
    @Param('language', language) tag: string,
    @Query() query: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const name = nameOf(key, tag, search.parse(query).recipient);
    const preview = await this.transactions.run(by, async (db) => {
      const current = await this.texts.current(db, name);
      if (!current) throw notFound();
      return this.texts.preview(db, name.category, current.source);
    });
    if (!preview.ok) throw new Refused(preview.error);
    return letter(preview.value.html);
  }

  /** The same of what is typed, before it is kept. */
  @Post('notice-templates/:category/:language/html')
  @Permission('notice-templates:write', { face: 'console' })
  async typedMail(
    @Param('category', category) key: string,
    @Param('language', language) tag: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { do: _act, recipient, ...form } = typedIn(body);
    const name = nameOf(key, tag, search.parse({ recipient }).recipient);
    const typed = { form: { ...form, html: form['html'] ?? '' } };
    const read = readForm(saveForm, lined(form));
    if (!read.ok) return this.#draw(name, by, { ...typed, problems: read.error, status: 422 });
    const { note: _note, ...source } = read.value;
    const preview = await this.transactions.run(by, (db) => this.texts.preview(db, name.category, source));
    return preview.ok
      ? letter(preview.value.html)
      : this.#draw(name, by, { ...typed, problems: sentences(preview.error), status: 422 });
  }

  async #draw(
    name: TextName,
    by: Principal,
    more: {
      compare?: number | undefined;
      form?: Record<string, string>;
      problems?: FormProblems;
      preview?: Preview;
      status?: number;
    },
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const current = await this.texts.current(db, name);
      if (!current) return undefined;
      const versions = await versionsOfText(db, name);
      const preview =
        more.preview ??
        (more.problems ? undefined : await this.texts.preview(db, name.category, current.source));
      return {
        current,
        versions,
        preview: preview && 'ok' in preview ? (preview.ok ? preview.value : undefined) : preview,
      };
    });
    if (!model) throw notFound();
    const shipped = this.templates.sourceOf(name.category, name.language);
    const kind = EDITABLE[name.category]!;
    return shows(
      (frame) =>
        TemplateView({
          frame,
          name,
          title: kind.title,
          variables: Object.keys(kind.sample),
          shipped,
          compare: more.compare,
          form: more.form ?? { ...model.current.source, note: '' },
          problems: more.problems ?? {},
          ...model,
        }),
      more.status ?? 200,
    );
  }
}

function nameOf(key: string, tag: string, recipient: string): TextName {
  const read = textNameSchema.safeParse({ category: key, language: tag, recipient });
  if (!read.success || EDITABLE[key] === undefined) throw notFound();
  return read.data;
}

/** Browsers send lines with a carriage return; a template has plain ones. */
function lined(form: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(form).map(([field, value]) => [field, value.replaceAll('\r\n', '\n')]),
  );
}

function sentences(refused: Refusal): FormProblems {
  return problemsOf(refused.message, refused.fields);
}

function notFound(): Refused {
  return new Refused(refusal('not_found', 'not-found', 'There is no such text of notices.'));
}
