import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Liquid, type Template } from 'liquidjs';
import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';

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
  [key: string]: unknown;
}

export interface RenderedNotice {
  subject: string;
  text: string;
  html: string;
}

const PARTS = ['subject', 'text', 'html'] as const;
const TAGS = ['if', 'unless', 'for'];
const SAFE_FILTERS = [
  'escape',
  'upcase',
  'downcase',
  'capitalize',
  'join',
  'size',
  'default',
  'truncate',
  'date',
];

/**
 * The texts of notices: `templates/notices/<category>.<language>.{subject,text,html}.liquid`.
 *
 * Operators may edit them, so a template gets the facts and nothing else: three tags, a few filters, no include, own
 * properties only, bounded time and memory, an unknown name is an error at the start and not a hole in a mail. HTML is
 * escaped unless it is the template's own.
 */
export class NoticeTemplates {
  private readonly byName = new Map<string, Record<(typeof PARTS)[number], Template[]>>();
  private readonly plain = engine(false);
  private readonly html = engine(true);

  /** @throws Error naming the file when a template is incomplete or does not parse. */
  constructor(folder: string) {
    const names = new Set(
      readdirSync(folder)
        .filter((file) => file.endsWith('.liquid'))
        .map((file) => file.split('.').slice(0, 2).join('.')),
    );
    for (const name of names) {
      const parts = {} as Record<(typeof PARTS)[number], Template[]>;
      for (const part of PARTS) {
        const file = join(folder, `${name}.${part}.liquid`);
        try {
          parts[part] = (part === 'html' ? this.html : this.plain).parse(readFileSync(file, 'utf8'));
        } catch (error) {
          throw new Error(
            `notice template ${file}: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
      }
      this.byName.set(name, parts);
    }
  }

  has(category: string, language: string): boolean {
    return this.byName.has(`${category}.${language}`);
  }

  /** In the language asked for, else in English. @throws Error when the category has no English template. */
  render(category: string, language: string, facts: Record<string, unknown>): RenderedNotice {
    const parts = this.byName.get(`${category}.${language}`) ?? this.byName.get(`${category}.en`);
    if (!parts) throw new Error(`there is no notice template ${category}.en: add it to templates/notices`);
    const subject: unknown = this.plain.renderSync(parts.subject, facts);
    const text: unknown = this.plain.renderSync(parts.text, facts);
    const html: unknown = this.html.renderSync(parts.html, facts);
    return { subject: oneLineOf(String(subject)), text: String(text), html: String(html) };
  }
}

function engine(escaped: boolean): Liquid {
  const liquid = new Liquid({
    ownPropertyOnly: true,
    relativeReference: false,
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    parseLimit: 100_000,
    renderLimit: 1_000,
    memoryLimit: 2_000_000,
    fs: {
      exists: async () => false,
      existsSync: () => false,
      readFile: async () => '',
      readFileSync: () => '',
      resolve: (_folder, file) => file,
    },
    ...(escaped && { outputEscape: 'escape' as const }),
  });
  for (const tag of Object.keys(liquid.tags)) if (!TAGS.includes(tag)) delete liquid.tags[tag];
  for (const filter of Object.keys(liquid.filters))
    if (!SAFE_FILTERS.includes(filter)) delete liquid.filters[filter];
  return liquid;
}

function oneLineOf(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}

/** How long a link of a notice works, from the notice's making. */
export const LINK_LIFE = 30 * ELAPSED_DAY;

/**
 * A notice as its recipient reads it on the page: the mail's text without the link and the checkpoint, which differ from
 * one attempt to the next. Its hash is what an acknowledgement binds.
 */
export function shownText(
  templates: NoticeTemplates,
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
  return { subject, text, textHash: createHash('sha256').update(text).digest() };
}

/** The text of a notice: as it was first sent, else as it would be sent now. */
export function textOf(
  templates: NoticeTemplates,
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
  if (subject !== null && text !== null)
    return { subject, text, textHash: createHash('sha256').update(text).digest() };
  return shownText(templates, { ...notice, createdAt: notice.created_at.getTime() });
}
