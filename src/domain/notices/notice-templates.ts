import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';
import {
  NoticeLiquid,
  PARTS,
  type NoticeSource,
  type ParsedNotice,
  type Part,
  type RenderedNotice,
} from './notice-liquid.ts';

export type { RenderedNotice } from './notice-liquid.ts';

/** What a notice says of the world; frozen on the notice. Only texts, numbers and lists of them: no object to wander into. */
export interface NoticeFacts {
  reference: string;
  caseReference: string;
  integrationName: string;
  /** Who tells. */
  fromParty: string;
  /** Who is told. */
  toParty: string;
  trigger: string;
  awareAt: string;
  dueAt: string | null;
  credentials: { label: string; environment: string; state: string }[];
  copies: number;
  reason: string;
  /** What is not established yet, by the words that the texts know; null: nothing. */
  unknown?: string[] | null;
  /** How soon more is told at the latest, counted from this notice; null: no time is set. */
  updateWithinHours?: number | null;
  [key: string]: unknown;
}

/** What writes a notice: the shipped texts, or the version that an operator wrote. */
export interface NoticeWriter {
  render(category: string, language: string, facts: Record<string, unknown>): RenderedNotice;
}

/**
 * The shipped texts of notices: `templates/notices/<category>.<language>.{subject,text,html}.liquid`. Operators may write
 * their own upon them (`NoticeTexts`); both are rendered in the same sandbox.
 */
export class NoticeTemplates implements NoticeWriter {
  readonly liquid = new NoticeLiquid();
  private readonly byName = new Map<string, { source: NoticeSource; parsed: ParsedNotice }>();

  /** @throws Error naming the file when a template is incomplete or does not parse. */
  constructor(folder: string) {
    const names = new Set(
      readdirSync(folder)
        .filter((file) => file.endsWith('.liquid'))
        .map((file) => file.split('.').slice(0, 2).join('.')),
    );
    for (const name of names) {
      const [source, parsed] = [{} as NoticeSource, {} as Record<Part, ParsedNotice[Part]>];
      for (const part of PARTS) {
        const file = join(folder, `${name}.${part}.liquid`);
        try {
          const written = readFileSync(file, 'utf8');
          source[part] = part === 'subject' ? written.trim() : written;
          parsed[part] = this.liquid.parsePart(part, source[part]);
        } catch (error) {
          throw new Error(
            `notice template ${file}: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
      }
      this.byName.set(name, { source, parsed });
    }
  }

  has(category: string, language: string): boolean {
    return this.byName.has(`${category}.${language}`);
  }

  /** As shipped, in the language asked for or one that is close to it. */
  sourceOf(category: string, language: string): NoticeSource | undefined {
    return this.byName.get(`${category}.${language}`)?.source;
  }

  /** Of a category, English first. */
  languagesOf(category: string): string[] {
    const own = [...this.byName.keys()].filter((name) => name.startsWith(`${category}.`));
    return own
      .map((name) => name.slice(category.length + 1))
      .toSorted((a, b) => Number(b === 'en') - Number(a === 'en') || a.localeCompare(b));
  }

  /** In the language asked for (`de` for `de-AT`), else in English. @throws Error when the category has no English template. */
  render(category: string, language: string, facts: Record<string, unknown>): RenderedNotice {
    const found = languagesFor(language)
      .map((one) => this.byName.get(`${category}.${one}`))
      .find(Boolean);
    if (!found) throw new Error(`there is no notice template ${category}.en: add it to templates/notices`);
    return this.liquid.render(found.parsed, facts);
  }
}

/** The languages that may stand for one, in order: `de-AT`, `de`, `en`. */
export function languagesFor(language: string): string[] {
  return [...new Set([language, language.split('-')[0]!, 'en'])];
}

/** How long a link of a notice works, from the notice's making. */
export const LINK_LIFE = 30 * ELAPSED_DAY;

/**
 * A notice as its recipient reads it on the page: the mail's text without the link and the checkpoint, which differ from
 * one attempt to the next. Its hash is what an acknowledgement binds.
 */
export function shownText(
  templates: NoticeWriter,
  notice: { category: string; language: string; facts: Record<string, unknown>; createdAt: Millis },
): { subject: string; text: string; textHash: Buffer } {
  const facts = {
    ...notice.facts,
    link: null,
    code: null,
    linkExpiresAt: iso(notice.createdAt + LINK_LIFE),
    checkpoint: null,
  };
  const { subject, text } = templates.render(notice.category, notice.language, facts);
  return { subject, text, textHash: hashOf(text) };
}

/** The text of a notice: as it was first sent, else as it would be sent now. */
export function textOf(
  templates: NoticeWriter,
  notice: {
    category: string;
    language: string;
    facts: Record<string, unknown>;
    created_at: Date;
    sent_subject: string | null;
    sent_text: string | null;
  },
): { subject: string; text: string; textHash: Buffer } {
  const { sent_subject: subject, sent_text: text } = notice;
  if (subject !== null && text !== null) return { subject, text, textHash: hashOf(text) };
  return shownText(templates, { ...notice, createdAt: notice.created_at.getTime() });
}

export function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
