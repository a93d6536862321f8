import type { Millis } from '../../kernel/time.ts';

/** Whether an integration may be in production, apart from whether it is. */
export interface PassFacts {
  state: string;
  pass: 'held' | 'lost' | 'refused';
  graceUntil: Millis | null;
}

export type PassChange =
  /** Lost: the owner has until `graceUntil` to mend it. */
  | { to: 'lost'; graceUntil: Millis }
  /** Mended in time, or later. */
  | { to: 'held' }
  /** Nobody mended it: escalated. */
  | { to: 'refused' };

/**
 * What a new verdict does to the pass of a live integration: `held → lost (grace) → refused`, and back to `held` from both.
 * Only going live gives an integration that is not live a pass. Grace runs from the first loss and is never prolonged.
 */
export function passAfter(
  { state, pass, graceUntil }: PassFacts,
  verdict: 'pass' | 'refused',
  grace: Millis,
  now: Millis,
): PassChange | null {
  if (state !== 'live') return null;
  if (verdict === 'pass') return pass === 'held' ? null : { to: 'held' };
  if (pass === 'held') return { to: 'lost', graceUntil: now + grace };
  if (pass === 'lost' && (graceUntil === null || graceUntil <= now)) return { to: 'refused' };
  return null;
}

/** States from which an integration may go live. */
export const MAY_GO_LIVE: readonly string[] = ['draft', 'in_review', 'approved', 'suspended'];
