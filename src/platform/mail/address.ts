/**
 * Whether a text is one plain address (RFC 5321 section 4.1.2, without quoted local parts, comments, literals, source
 * routes or internationalised text). Narrower than the standard on purpose: what a mail library might read as two
 * addresses, or as another one, never gets near it.
 */
export function isMailAddress(text: string): boolean {
  if (text.length > 254) return false;
  const at = text.lastIndexOf('@');
  if (at < 1 || at > 64) return false;
  return LOCAL.test(text.slice(0, at)) && DOMAIN.test(text.slice(at + 1));
}

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LOCAL = new RegExp(`^${ATOM}(\\.${ATOM})*$`);
const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const DOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})+$`);

/** One line fit for a header: no control characters, at most 200 characters. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}+|\p{Zl}|\p{Zp}/gu, ' ')
    .trim()
    .slice(0, 200);
}
