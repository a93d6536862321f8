/** By this a text says that it can be read on a dark ground, too; one that leaves it out stays light. */
const READY = '<meta name="color-scheme" content="light dark" />';

/** The inline colours of the texts, and what they are on a dark ground: each pair has a contrast of 4.5 or more. */
const INSTEAD: readonly [selector: string, rules: string][] = [
  ['body', 'background:#12161d !important;color:#e6e9ef !important'],
  ['[style*="color:#5a6475"]', 'color:#a7b0be !important'],
  ['[style*="background:#14532d"]', 'background:#1f7a45 !important;color:#ffffff !important'],
  ['[style*="solid #d5dae2"]', 'border-color:#3a4352 !important'],
];

const RULES = [
  '<meta name="supported-color-schemes" content="light dark">',
  '<style>:root{color-scheme:light dark;supported-color-schemes:light dark}',
  '@media (prefers-color-scheme: dark){',
  ...INSTEAD.map(([selector, rules]) => `${selector}{${rules}}`),
  '}</style>',
].join('');

/**
 * Adds what a mail program on a dark ground needs. The inline styles stay the base, since many programs drop a style
 * sheet; those that read one and know `prefers-color-scheme` show these colours instead of turning ours around.
 */
export function withDarkRules(html: string): string {
  return html.replace(READY, () => READY + RULES);
}
