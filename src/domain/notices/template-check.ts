import type { FieldProblem } from '../../kernel/errors.ts';
import { NoticeLiquid, PARTS, type NoticeSource, type ParsedNotice, type Part } from './notice-liquid.ts';
import { OF_EVERY_MESSAGE, variablesOf, type EditableText } from './notice-samples.ts';

const MOST = { subject: 300, text: 20_000, html: 60_000 } as const;

/**
 * What is wrong with a text that somebody wrote; empty: it may be saved. It parses, uses only the variables of its category,
 * renders with them (a notice both as a message and as the page behind its link), says in both parts what it is for (a
 * notice its link and the code), and its HTML is what mail programs show without fetching or running anything: tables and inline styles.
 */
export function problemsOfTemplate(
  liquid: NoticeLiquid,
  source: NoticeSource,
  kind: EditableText,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const parsed: Partial<Record<Part, ParsedNotice[Part]>> = {};
  const known = variablesOf(kind);
  for (const part of PARTS) {
    if (source[part].trim() === '') {
      problems.push({ field: part, problem: 'is empty', mend: 'Write it: a message has all three parts.' });
      continue;
    }
    if (source[part].length > MOST[part]) {
      problems.push({ field: part, problem: `has more than ${MOST[part]} characters`, mend: 'Shorten it.' });
      continue;
    }
    try {
      parsed[part] = liquid.parsePart(part, source[part]);
    } catch (error) {
      problems.push({
        field: part,
        problem: said(error),
        mend: 'Only if, unless and for can be used, and what they need.',
      });
      continue;
    }
    const strange = liquid.namesIn(part, parsed[part]).filter((name) => !known.includes(name));
    if (strange.length > 0)
      problems.push({
        field: part,
        problem: `uses ${strange.join(', ')}, which this category does not have`,
        mend: `Use only: ${known.join(', ')}.`,
      });
  }
  if (problems.length > 0) return problems;
  const spelt = problemsOfHtml(source.html);
  return [
    ...problemsOfRendered(liquid, parsed as ParsedNotice, kind),
    ...(spelt.length > 0 ? spelt : problemsOfParsed(liquid, parsed as ParsedNotice, kind)),
  ];
}

/** What a parser finds in it, however it is spelt. */
function problemsOfParsed(liquid: NoticeLiquid, parsed: ParsedNotice, kind: EditableText): FieldProblem[] {
  try {
    if (!liquid.losesInMail(parsed, factsOf(kind))) return [];
  } catch {
    return []; // told with the other parts
  }
  return [
    {
      field: 'html',
      problem: 'holds an element, an attribute, a style or an address that a message does not carry',
      mend: 'Use tables, text, inline styles and plain links; the code belongs into the text, and the link stands alone.',
    },
  ];
}

/** What it is filled with before it is saved. */
function factsOf({ sample, mail }: EditableText): Record<string, unknown> {
  return mail ? { ...sample } : { ...sample, ...OF_EVERY_MESSAGE };
}

function problemsOfRendered(liquid: NoticeLiquid, parsed: ParsedNotice, kind: EditableText): FieldProblem[] {
  const { sample, mail: own } = kind;
  const facts = factsOf(kind);
  try {
    const mail = liquid.render(parsed, facts);
    if (!own) {
      const page = Object.fromEntries(Object.keys(OF_EVERY_MESSAGE).map((name) => [name, null]));
      liquid.render(parsed, { ...sample, ...page, linkExpiresAt: OF_EVERY_MESSAGE.linkExpiresAt });
    }
    return (['text', 'html'] as const).flatMap((part) =>
      (own?.says ?? NOTICE_SAYS)
        .filter((name) => !mail[part].includes(String(facts[name])))
        .map((name) => ({
          field: part,
          problem: `does not say {{ ${name} }}`,
          mend: own
            ? `Say it: without it whoever reads the mail can do nothing.`
            : 'Say the link and its code: without them nobody can acknowledge.',
        })),
    );
  } catch (error) {
    return [{ field: 'text', problem: said(error), mend: 'Use the variables as the example has them.' }];
  }
}

const NOTICE_SAYS = ['link', 'code'] as const;

const NOT_IN_MAIL: readonly [RegExp, string][] = [
  [
    /<\s*(script|iframe|object|embed|form|input|button|link|base|svg|math|video|audio|source|template)\b/i,
    'an element that mail programs refuse',
  ],
  [/<\s*style\b/i, 'a style sheet: write styles on the elements'],
  [/<\s*img\b/i, 'a picture: it would be fetched, and tell when the mail was opened'],
  [/\son[a-z]+\s*=/i, 'a script in an attribute'],
  [/(?:url\s*\(|@import|@font-face|expression\s*\()/i, 'a style that fetches something'],
  [/(?:javascript|data|vbscript)\s*:/i, 'an address that runs something'],
  [/\s(?:src|srcset|background|poster)\s*=/i, 'something that would be fetched'],
];

function problemsOfHtml(html: string): FieldProblem[] {
  // What an entity hides is what a mail program reads.
  const read = html.replaceAll(
    /&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?/gi,
    (_all, hex?: string, decimal?: string) => {
      const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : ' ';
    },
  );
  return NOT_IN_MAIL.filter(([pattern]) => pattern.test(read)).map(([, what]) => ({
    field: 'html',
    problem: `holds ${what}`,
    mend: 'Use tables, text and inline styles; leave out everything else.',
  }));
}

function said(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 200);
}
