import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';

/** How long an integration may be without an owner before it is quarantined: an import may name one a row later. */
export const UNOWNED_FOR = ELAPSED_DAY;

export interface Ownership {
  state: string;
  shadow: boolean;
  /** Whether an active contact owns it: one who left owns nothing. */
  owned: boolean;
  unownedSince: Millis | null;
}

/**
 * What becomes of an integration that nobody owns. `mark`: the day begins; `quarantine`: it is over; `clear` and `release`:
 * somebody owns it again. A draft that somebody writes is in nobody's way; one that was found is running somewhere.
 */
export function quarantineStep(
  integration: Ownership,
  now: Millis,
): 'mark' | 'quarantine' | 'clear' | 'release' | undefined {
  const { state, shadow, owned, unownedSince } = integration;
  if (owned && state === 'quarantined') return 'release';
  const watched = state !== 'retired' && (state !== 'draft' || shadow);
  if (owned || !watched) return unownedSince === null ? undefined : 'clear';
  if (state === 'quarantined') return undefined;
  if (unownedSince === null) return 'mark';
  return now - unownedSince >= UNOWNED_FOR ? 'quarantine' : undefined;
}

/** Where it returns to. What was live passes the gate once more: nothing else makes an integration live. */
export function stateAfterQuarantine(before: string | null): string {
  return before === 'live' ? 'approved' : (before ?? 'draft');
}
