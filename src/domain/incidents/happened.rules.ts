/**
 * What became of an incident, as the sentence that a notice gives as its reason. The shipped texts know each of them by
 * heart, to say it in their own language (`templates/notices/exposure.*`).
 */
export const HAPPENED = {
  found: 'A credential that this integration uses was found exposed.',
  confirmedToBe: 'A credential that this integration uses was confirmed to be exposed.',
  suspected: 'The exposure of a credential of this integration is suspected.',
  confirmed: 'The exposure of a credential of this integration was confirmed.',
  determined: 'What the incident means was determined.',
  classified: 'The incident was classified.',
  contained: 'The exposed credentials are proven dead and their copies gone.',
} as const;
