/**
 * What whoever is told of a leak asks first, and what may not be established yet when they are told. The shipped texts know
 * each of them by heart, to say it in their own language (`templates/notices/exposure.*`).
 */
export type UnknownFact = 'credentials' | 'began' | 'use' | 'liveness';

/** What a credential's state is called in a notice as long as nobody asked its issuer. */
export const STATE_UNKNOWN = 'not yet known';

/**
 * What is not known yet of a case; null: everything is. Whether somebody used a credential who may not is established when
 * what the incident means is determined, not by a feed that was silent.
 */
export function unknownOf(facts: {
  credentials: readonly { state: string }[];
  /** Somebody said when it occurred. */
  began: boolean;
  /** What the incident means was determined. */
  determined: boolean;
}): UnknownFact[] | null {
  const { credentials, began, determined } = facts;
  const unknown: UnknownFact[] = [
    ...(credentials.length === 0 ? (['credentials'] as const) : []),
    ...(began ? [] : (['began'] as const)),
    ...(determined ? [] : (['use'] as const)),
    ...(credentials.some(({ state }) => state === STATE_UNKNOWN) ? (['liveness'] as const) : []),
  ];
  return unknown.length === 0 ? null : unknown;
}
