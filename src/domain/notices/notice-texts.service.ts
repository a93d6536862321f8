import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { NoticeSource, RenderedNotice } from './notice-liquid.ts';
import { EDITABLE, OF_EVERY_MESSAGE } from './notice-samples.ts';
import { languagesFor, NoticeTemplates, type NoticeWriter } from './notice-templates.ts';
import { problemsOfTemplate } from './template-check.ts';

/** Which text: of a category, in a language, to a kind of recipient. */
export interface TextName {
  category: string;
  language: string;
  recipient: string;
}

/** Versions kept parsed: more than are in use at once. */
const MOST_PARSED = 200;

interface VersionRow extends NoticeSource {
  id: Id;
  shipped: boolean;
}

/** The texts that operators write upon the shipped ones, each save a version. */
@Injectable()
export class NoticeTexts {
  readonly #parsed = new Map<Id, NoticeWriter>();

  constructor(
    private readonly templates: NoticeTemplates,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * What writes a notice: the version that wrote it before, else the newest of its language and kind of recipient, else of
   * its language, else the shipped text; each before the same in English.
   */
  async writerOf(
    db: Db,
    notice: {
      category: string;
      language: string;
      integrationId: Id | null;
      partyId: Id | null;
      templateId: Id | null;
      /** Whether it has been written before, and not by a version. */
      asShipped: boolean;
      /** The newest version of that moment; absent: of now. */
      asOf?: Millis;
    },
  ): Promise<{ templateId: Id | null; writer: NoticeWriter }> {
    if (notice.asShipped || EDITABLE[notice.category] === undefined)
      return { templateId: null, writer: this.templates };
    if (notice.templateId !== null)
      return { templateId: notice.templateId, writer: await this.#written(db, notice.templateId) };
    const languages = languagesFor(notice.language);
    const { category, integrationId, partyId } = notice;
    const asOf = notice.asOf === undefined ? null : iso(notice.asOf);
    const rows = await versionsFor(db, { category, languages, integrationId, partyId, asOf });
    for (const language of languages) {
      const own = rows.filter((row) => row.language === language && !row.shipped);
      const row = own.find(({ recipient }) => recipient !== 'any') ?? own[0];
      if (row) return { templateId: row.id, writer: await this.#written(db, row.id) };
      if (this.templates.has(notice.category, language)) break;
    }
    return { templateId: null, writer: this.templates };
  }

  /**
   * A mail that is no notice, as its text stands now: the one that somebody wrote for this kind of recipient, or for anybody,
   * else the shipped one.
   *
   * @param to whose part in the integration says which kind of recipient it is; left out: nobody's in particular
   */
  async mail(
    db: Db,
    category: string,
    language: string,
    facts: Record<string, unknown>,
    to?: { integrationId: Id; partyId: Id | null },
  ): Promise<RenderedNotice> {
    const { writer } = await this.writerOf(db, {
      category,
      language,
      integrationId: to?.integrationId ?? null,
      partyId: to?.partyId ?? null,
      templateId: null,
      asShipped: false,
    });
    return writer.render(category, language, facts);
  }

  /** A version never changes: it is read and parsed once. */
  async #written(db: Db, id: Id): Promise<NoticeWriter> {
    const known = this.#parsed.get(id);
    if (known) return known;
    const row = await versionById(db, id);
    if (!row) return this.templates;
    const writer = this.#writer(row);
    if (this.#parsed.size >= MOST_PARSED) this.#parsed.clear();
    this.#parsed.set(id, writer);
    return writer;
  }

  /** The text as it stands: the newest version, or what is shipped. */
  async current(
    db: Db,
    name: TextName,
  ): Promise<{ number: number | null; source: NoticeSource } | undefined> {
    if (EDITABLE[name.category] === undefined) return undefined;
    const [row] = await db.query<(VersionRow & { number: number })[]>(
      `SELECT id, number, shipped, subject, text, html FROM notice_template
        WHERE category = $1 AND language = $2 AND recipient = $3 ORDER BY number DESC LIMIT 1`,
      [name.category, name.language, name.recipient],
    );
    if (row && !row.shipped)
      return { number: row.number, source: { subject: row.subject, text: row.text, html: row.html } };
    const source = languagesFor(name.language)
      .map((language) => this.templates.sourceOf(name.category, language))
      .find(Boolean);
    return source && { number: row?.number ?? null, source };
  }

  /** What is wrong with it; nothing is kept. */
  check(category: string, source: NoticeSource): Result<void, Refusal> {
    const kind = EDITABLE[category];
    if (!kind) return err(NO_CATEGORY);
    const fields = problemsOfTemplate(this.templates.liquid, source, kind);
    return fields.length === 0
      ? ok(undefined)
      : err(refusal('invalid', 'bad-template', 'The text cannot be sent as it is.', { fields }));
  }

  /** How it reads: with the facts of a notice that was owed, or with an example. */
  async preview(
    db: Db,
    category: string,
    source: NoticeSource,
    noticeReference?: string,
  ): Promise<Result<RenderedNotice & { about: string | null }, Refusal>> {
    const checked = this.check(category, source);
    if (!checked.ok) return checked;
    const [real] = await db.query<{ reference: string; facts: Record<string, unknown> }[]>(
      `SELECT reference, facts FROM notice WHERE category = $1 AND ($2::text IS NULL OR reference = $2)
        ORDER BY created_at DESC, id DESC LIMIT 1`,
      [category, noticeReference ?? null],
    );
    const kind = EDITABLE[category];
    const facts = { ...kind?.sample, ...real?.facts, ...(kind?.mail ? {} : OF_EVERY_MESSAGE) };
    const rendered = this.templates.liquid.render(this.templates.liquid.parse(source), facts);
    return ok({ ...rendered, about: real?.reference ?? null });
  }

  /**
   * Keeps a version. From then on it writes every notice of its kind that has not been written yet.
   *
   * @param source null: the shipped text is used again
   */
  async save(
    db: Db,
    name: TextName,
    source: NoticeSource | null,
    note: string,
    by: Principal,
  ): Promise<Result<{ id: Id; number: number }, Refusal>> {
    if (source !== null) {
      const checked = this.check(name.category, source);
      if (!checked.ok) return checked;
    } else if (EDITABLE[name.category] === undefined) return err(NO_CATEGORY);
    // Who saves at once waits for the other: each is a version of its own.
    await db.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [
      `notice-template:${name.category}:${name.language}:${name.recipient}`,
    ]);
    const [last] = await db.query<{ number: number }[]>(
      `SELECT coalesce(max(number), 0)::int AS number FROM notice_template WHERE category = $1 AND language = $2 AND recipient = $3`,
      [name.category, name.language, name.recipient],
    );
    const [id, number, now] = [newId(), (last?.number ?? 0) + 1, this.clock.now()];
    const kept = source ?? { subject: '', text: '', html: '' };
    const hash = createHash('sha256')
      .update(JSON.stringify([kept.subject, kept.text, kept.html]))
      .digest();
    await db.query(
      `INSERT INTO notice_template (id, category, language, recipient, number, shipped, subject, text, html, note, content_hash, written_by, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      [
        id,
        name.category,
        name.language,
        name.recipient,
        number,
        source === null,
        kept.subject,
        kept.text,
        kept.html,
        note,
        hash,
        handOf(by),
        iso(now),
      ],
    );
    await this.ledger.append(db, {
      kind: 'notice_template.saved',
      subject: { kind: 'notice_template', id },
      by,
      at: now,
      facts: { ...name, number, shipped: source === null, contentHash: hash.toString('hex') },
      ...(note && { committed: { note } }),
    });
    return ok({ id, number });
  }

  #writer(source: NoticeSource): NoticeWriter {
    const { liquid } = this.templates;
    const parsed = liquid.parse(source);
    return { render: (_category, _language, facts) => liquid.render(parsed, facts) };
  }
}

/** The newest version of each language and kind of recipient that a notice may be written by. */
const versionsFor = inOne(
  async (
    db: Db,
    asked: readonly {
      category: string;
      languages: string[];
      integrationId: Id | null;
      partyId: Id | null;
      asOf: string | null;
    }[],
  ) => {
    const rows = await db.query<
      { asked: number; id: Id; shipped: boolean; language: string; recipient: string }[]
    >(
      `SELECT q.asked, v.id, v.shipped, v.language, v.recipient
         FROM jsonb_to_recordset($1::jsonb) AS q(asked int, category text, languages text[], "integrationId" uuid, "partyId" uuid, "asOf" timestamptz)
        CROSS JOIN LATERAL (
          SELECT DISTINCT ON (language, recipient) id, shipped, language, recipient FROM notice_template
           WHERE category = q.category AND language = ANY (q.languages)
             AND (q."asOf" IS NULL OR created_at <= q."asOf")
             AND recipient IN (SELECT 'any' UNION ALL SELECT role FROM integration_party
                                WHERE integration_id = q."integrationId" AND party_id = q."partyId")
           ORDER BY language, recipient, number DESC) v`,
      [JSON.stringify(asked.map((one, at) => ({ ...one, asked: at })))],
    );
    return asked.map((_, at) => rows.filter((row) => row.asked === at));
  },
);

const versionById = inOne(async (db: Db, ids: readonly Id[]): Promise<(VersionRow | undefined)[]> => {
  const rows = await db.query<VersionRow[]>(
    `SELECT id, shipped, subject, text, html FROM notice_template WHERE id = ANY ($1::uuid[])`,
    [ids],
  );
  return ids.map((id) => rows.find((row) => row.id === id));
});

const NO_CATEGORY = refusal('not_found', 'no-category', 'There is no such category of notices to write.');
