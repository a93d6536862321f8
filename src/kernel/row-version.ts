/**
 * Which version of a row somebody may overwrite (RFC 9110, section 13.1.1): the one that they saw, one of several, or
 * whatever stands there now.
 */
export type WantedVersion = number | readonly number[] | 'any';

export function isWanted(version: number, wanted: WantedVersion): boolean {
  if (wanted === 'any') return true;
  return typeof wanted === 'number' ? version === wanted : wanted.includes(version);
}
