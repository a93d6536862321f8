/** An instant as machines write it, in the middle of a sentence. */
const INSTANT = /\b(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::\d\d(?:\.\d{1,9})?)?Z/g;

/**
 * What an alert says, with its times as its reader writes them: "22 November 2026, 08:05 UTC". The alert itself keeps them
 * as they are, for programs that read it.
 */
export function alertWords(message: string, language = 'en'): string {
  const german = language.toLowerCase().split('-')[0] === 'de';
  return message.replaceAll(INSTANT, (whole, minute: string) => {
    const at = new Date(`${minute}Z`);
    if (Number.isNaN(at.getTime())) return whole;
    const time = minute.slice(11);
    if (german) return `${minute.slice(8, 10)}.${minute.slice(5, 7)}.${minute.slice(0, 4)}, ${time} Uhr UTC`;
    const month = at.toLocaleString('en-GB', { month: 'long', timeZone: 'UTC' });
    return `${at.getUTCDate()} ${month} ${minute.slice(0, 4)}, ${time} UTC`;
  });
}
