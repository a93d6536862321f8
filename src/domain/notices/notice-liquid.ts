import { Liquid, type Template } from 'liquidjs';
import { withDarkRules } from './dark-mail.ts';
import { losesInMail, mailHtml, type OwnWords } from './mail-html.ts';

/** The three parts of a notice's text, as somebody wrote them. */
export interface NoticeSource {
  subject: string;
  text: string;
  html: string;
}

export interface RenderedNotice {
  subject: string;
  text: string;
  html: string;
}

export const PARTS = ['subject', 'text', 'html'] as const;
export type Part = (typeof PARTS)[number];
export type ParsedNotice = Readonly<Record<Part, Template[]>>;

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
 * The sandbox that texts are rendered in. Operators write them, so a template gets the facts and nothing else: three tags,
 * a few filters, no include, own properties only, bounded time and memory, an unknown name is an error and not a hole in a
 * mail. HTML is escaped unless it is the template's own.
 */
export class NoticeLiquid {
  private readonly plain = engine(false);
  private readonly html = engine(true);

  /** @throws Error saying the part, the line and what is wrong */
  parse(source: NoticeSource): ParsedNotice {
    const parsed = {} as Record<Part, Template[]>;
    for (const part of PARTS) parsed[part] = this.parsePart(part, source[part]);
    return parsed;
  }

  /** @throws Error of the parser */
  parsePart(part: Part, source: string): Template[] {
    return (part === 'html' ? this.html : this.plain).parse(source);
  }

  /** Names that a part takes from outside, by their first word. */
  namesIn(part: Part, template: Template[]): string[] {
    return (part === 'html' ? this.html : this.plain).globalVariablesSync(template, { partials: false });
  }

  /** @throws Error for a name that the facts do not have, or past the limits */
  render(parsed: ParsedNotice, facts: Record<string, unknown>): RenderedNotice {
    const subject: unknown = this.plain.renderSync([...parsed.subject], facts);
    const text: unknown = this.plain.renderSync([...parsed.text], facts);
    const html: unknown = this.html.renderSync([...parsed.html], facts);
    for (const part of [text, html])
      if (String(part).length > LONGEST_MESSAGE)
        throw new Error(
          `it grows beyond ${LONGEST_MESSAGE} characters: nobody reads that, and no mail carries it`,
        );
    return {
      subject: oneLineOf(String(subject)),
      text: String(text),
      html: withDarkRules(mailHtml(String(html), ownOf(facts))),
    };
  }

  /** Whether the HTML part, with these facts, has something that a message does not carry. */
  losesInMail(parsed: ParsedNotice, facts: Record<string, unknown>): boolean {
    const html: unknown = this.html.renderSync([...parsed.html], facts);
    return losesInMail(String(html), ownOf(facts));
  }
}

function ownOf({ link, code }: Record<string, unknown>): OwnWords {
  return {
    link: typeof link === 'string' ? link : null,
    code: typeof code === 'string' ? code : null,
  };
}

/** Characters of a text as it is sent. */
const LONGEST_MESSAGE = 256 * 1024;
/** Dates kept as they are written. */
const MOST_DATES = 1000;

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
  const date = liquid.filters['date'] as (this: unknown, ...all: unknown[]) => unknown;
  const written = new Map<string, unknown>();
  // A fan-out writes the same few instants into thousands of messages; a zone's rules are looked up for each otherwise.
  liquid.registerFilter('date', function (this: unknown, at, format, zone) {
    if (typeof at !== 'string' || !Number.isFinite(Date.parse(at))) return date.call(this, at, format, zone);
    const key = `${at}\0${String(format)}\0${String(zone)}`;
    if (!written.has(key)) {
      if (written.size >= MOST_DATES) written.clear();
      written.set(key, date.call(this, at, format, zone));
    }
    return written.get(key);
  });
  return liquid;
}

function oneLineOf(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}
