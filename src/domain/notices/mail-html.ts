import sanitizeHtml from 'sanitize-html';

/** Values without a function, an escape or a quote that could hold one: nothing here fetches or runs. */
const PLAIN = [/^[\w\s#.,%'"!+-]*$/];

const STYLES = [
  'background',
  'background-color',
  'border',
  'border-bottom',
  'border-collapse',
  'border-color',
  'border-left',
  'border-radius',
  'border-right',
  'border-top',
  'color',
  'display',
  'font-family',
  'font-size',
  'font-style',
  'font-weight',
  'height',
  'letter-spacing',
  'line-height',
  'list-style',
  'margin',
  'margin-bottom',
  'margin-left',
  'margin-right',
  'margin-top',
  'max-width',
  'min-width',
  'overflow-wrap',
  'padding',
  'padding-bottom',
  'padding-left',
  'padding-right',
  'padding-top',
  'text-align',
  'text-decoration',
  'text-transform',
  'vertical-align',
  'white-space',
  'width',
  'word-break',
];

const TEXT =
  'a abbr b blockquote br caption code dd div dl dt em h1 h2 h3 h4 hr i li ol p pre s small span strong sub sup u ul';
const TABLE = 'table tbody td tfoot th thead tr';
const PAGE = 'html head meta title body';

/** What a message calls its reader by: the address of its page, and the code that proves a human being. */
export interface OwnWords {
  link: string | null;
  code: string | null;
}

/**
 * The HTML of a message as it may be sent: tables, text and inline styles, as a parser reads them and not as they are
 * spelt. Nothing that runs, fetches, or leads away by itself is left; an address of elsewhere does not carry the
 * message's own code or link. What is dropped is dropped with every message, whatever its facts made of its template.
 */
export function mailHtml(html: string, own: OwnWords): string {
  return (
    doctypeOf(html) +
    sanitizeHtml(html, { ...ALLOWED, transformTags: { a: (tag, all) => link(tag, all, own) } })
  );
}

/** Whether `mailHtml` drops something of it, told by the elements, attributes and styles that a parser sees. */
export function losesInMail(html: string, own: OwnWords): boolean {
  return sanitizeHtml(html, EVERYTHING) !== sanitizeHtml(mailHtml(html, own), EVERYTHING);
}

const ALLOWED: sanitizeHtml.IOptions = {
  allowedTags: `${TEXT} ${TABLE} ${PAGE}`.split(' '),
  allowedAttributes: {
    '*': ['style', 'align', 'valign', 'width', 'height', 'role', 'lang', 'dir', 'aria-label', 'aria-hidden'],
    a: ['href', 'title'],
    table: ['cellpadding', 'cellspacing', 'border', 'bgcolor'],
    td: ['colspan', 'rowspan', 'bgcolor'],
    th: ['colspan', 'rowspan', 'scope', 'bgcolor'],
    meta: ['charset', 'name', 'content'],
  },
  allowedStyles: { '*': Object.fromEntries(STYLES.map((name) => [name, PLAIN])) },
  allowedSchemes: ['https', 'http', 'mailto', 'tel'],
  allowProtocolRelative: false,
  // The words of an element that nobody shows are no words of the message.
  nonTextTags: [
    'script',
    'style',
    'textarea',
    'option',
    'noscript',
    'template',
    'svg',
    'math',
    'iframe',
    'object',
  ],
};

/** The same writing without leaving anything out, so that both can be compared. */
const EVERYTHING: sanitizeHtml.IOptions = {
  allowedTags: false,
  allowedAttributes: false,
  allowedSchemesAppliedToAttributes: [],
  allowVulnerableTags: true,
  parseStyleAttributes: false,
};

function link(
  tagName: string,
  attribs: sanitizeHtml.Attributes,
  { link: page, code }: OwnWords,
): sanitizeHtml.Tag {
  const { href, ...others } = attribs;
  if (href === undefined || href === page) return { tagName, attribs };
  const carries = [page, code].some((word) => word !== null && word !== '' && decoded(href).includes(word));
  return { tagName, attribs: carries ? others : attribs };
}

function decoded(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

function doctypeOf(html: string): string {
  return /^\s*<!doctype html>/i.test(html) ? '<!doctype html>' : '';
}
