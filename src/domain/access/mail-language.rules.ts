/** The languages that people with an account can be written to in: those that every shipped text has. */
export const MAIL_LANGUAGES = ['en', 'de'] as const;
export type MailLanguage = (typeof MAIL_LANGUAGES)[number];

/**
 * The one that a browser asks for first (RFC 9110 section 12.5.4), among those that we write; null where it asks for none.
 *
 * @param accepted the value of Accept-Language, as it came
 */
export function mailLanguageOf(accepted: string | undefined): MailLanguage | null {
  const asked = (accepted ?? '')
    .slice(0, 500)
    .split(',')
    .map((one, at) => {
      const [range = '', ...more] = one.split(';').map((part) => part.trim().toLowerCase());
      const weight = more.find((part) => part.startsWith('q='));
      return {
        language: range.split('-')[0]!,
        weight: weight === undefined ? 1 : Number(weight.slice(2)),
        at,
      };
    })
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight || a.at - b.at);
  for (const { language } of asked) {
    const known = MAIL_LANGUAGES.find((one) => one === language);
    if (known) return known;
  }
  return null;
}
