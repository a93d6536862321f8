import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { EDITABLE, variablesOf } from '../../domain/notices/notice-samples.ts';
import { RECIPIENTS, sourceSchema, textNameSchema } from '../../domain/notices/notice-template.schema.ts';
import {
  noticesToShow,
  versionsOfText,
  writtenTexts,
} from '../../domain/notices/notice-templates.queries.ts';
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
  notice: z
    .string()
    .regex(/^[A-Z]{3}-\d{4}-\d{1,12}$/)
    .optional()
    .catch(undefined),
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
    const { recipient, compare, notice } = search.parse(query);
    return this.#draw(nameOf(key, tag, recipient), by, { compare, notice });
  }

  @Post('notice-templates/:category/:language')
  @Permission('notice-templates:write', { face: 'console' })
  async save(
    @Param('category', category) key: string,
    @Param('language', language) tag: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { act, name, notice, form, read } = sent(key, tag, body);
    const at = `/notice-templates/${name.category}/${name.language}?recipient=${name.recipient}`;
    if (act === 'shipped') {
      const done = await this.transactions.run(by, (db) => this.texts.save(db, name, null, '', by));
      if (!done.ok) throw new Refused(done.error);
      return goes(at, { tone: 'dead', text: 'The shipped text is used again.' });
    }
    if (!read.ok) return this.#draw(name, by, { form, notice, problems: read.error, status: 422 });
    if (act === 'preview') return this.#typed(key, tag, body, by, 422);
    const { note, ...source } = read.value;
    const done = await this.transactions.run(by, (db) => this.texts.save(db, name, source, note, by));
    return done.ok
      ? goes(at, { tone: 'dead', text: `Version ${done.value.number} writes every such notice from now on.` })
      : this.#draw(name, by, { form, notice, problems: sentences(done.error), status: 422 });
  }

  /** How what is typed reads, while it is typed: the page takes from it what stands beside the form. */
  @Post('notice-templates/:category/:language/live')
  @Permission('notice-templates:write', { face: 'console' })
  live(
    @Param('category', category) key: string,
    @Param('language', language) tag: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    // A text that is not finished is no refusal: its problems are the answer.
    return this.#typed(key, tag, body, by, 200);
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
    const { recipient, notice } = search.parse(query);
    const name = nameOf(key, tag, recipient);
    const preview = await this.transactions.run(by, async (db) => {
      const current = await this.texts.current(db, name);
      if (!current) throw notFound();
      return this.texts.preview(db, name.category, current.source, notice);
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
    const { name, notice, read } = sent(key, tag, body);
    if (!read.ok) return letter(MEND_FIRST);
    const { note: _note, ...source } = read.value;
    const preview = await this.transactions.run(by, (db) =>
      this.texts.preview(db, name.category, source, notice),
    );
    return letter(preview.ok ? preview.value.html : MEND_FIRST);
  }

  async #typed(key: string, tag: string, body: unknown, by: Principal, bad: number): Promise<Answer> {
    const { name, notice, form, read } = sent(key, tag, body);
    if (!read.ok) return this.#draw(name, by, { form, notice, problems: read.error, status: bad });
    const { note: _note, ...source } = read.value;
    const preview = await this.transactions.run(by, (db) =>
      this.texts.preview(db, name.category, source, notice),
    );
    return preview.ok
      ? this.#draw(name, by, { form, notice, preview: preview.value })
      : this.#draw(name, by, { form, notice, problems: sentences(preview.error), status: bad });
  }

  async #draw(
    name: TextName,
    by: Principal,
    more: {
      compare?: number | undefined;
      notice?: string | undefined;
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
        (more.problems
          ? undefined
          : await this.texts.preview(db, name.category, current.source, more.notice));
      return {
        current,
        versions,
        notices: await noticesToShow(db, name.category),
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
          variables: variablesOf(kind),
          shipped,
          compare: more.compare,
          notice: more.notice,
          typed: more.form !== undefined,
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

/** What the form of a text sent: which text, with whose facts to show it, and what was typed, checked. */
function sent(key: string, tag: string, body: unknown) {
  const { do: act, recipient, notice, ...form } = typedIn(body);
  const asked = search.parse({ recipient, notice });
  return {
    act,
    name: nameOf(key, tag, asked.recipient),
    notice: asked.notice,
    form: { ...form, html: form['html'] ?? '' } as Record<string, string>,
    read: readForm(saveForm, lined(form)),
  };
}

/** What stands in the frame while the text cannot be sent. */
const MEND_FIRST =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>No mail yet</title></head><body><p>Mend the text first: what is wrong stands beside it.</p></body></html>';

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
