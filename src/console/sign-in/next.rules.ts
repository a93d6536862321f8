/**
 * Where to go after signing in: an address of this console, or the first page. Anything that a browser could read as
 * another host (`//x`, `/\x`, a scheme, a control character it would strip) is no address of ours.
 */
export function nextOf(text: unknown): string {
  if (typeof text !== 'string' || text.length > 1000) return '/';
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(text) || text.includes('\\')) return '/';
  return text.startsWith('/sign-in') ? '/' : text;
}

/** Where a form leads back to, when that is an address of this console; else undefined: the form has a place of its own to go. */
export function backOf(text: unknown): string | undefined {
  const next = nextOf(text);
  return next === '/' && text !== '/' ? undefined : next;
}
