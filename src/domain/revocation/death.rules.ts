import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import type { Verdict } from './connector.ts';

/** How long one look at a supplier vouches for another. */
export const CONTROL_WINDOW = 5 * MINUTE;

/** One look at the verifier. */
export interface Sighting {
  verdict: Verdict;
  at: Millis;
  /** Same path, same authentication: sightings vouch for each other only when these are equal. */
  path: string;
}

export interface DeathFacts {
  /** The credential version, as the probe saw it last. */
  probe: Sighting | null;
  /** The control canary. null: the supplier allows none, which is not the same as one that was not seen. */
  control: Sighting | null;
  /** The same version, as a probe saw it before the revoke was asked for. */
  beforeRevoke: Sighting | null;
  /** When the first revoke left the house. */
  revokedAt: Millis | null;
  /** Whether our own authentication was accepted. `live`: accepted. */
  ownAuthentication: Sighting | null;
  now: Millis;
}

export interface DeathVerdict {
  verdict: Verdict;
  why: string;
  /** What vouches for a death. */
  control?: 'canary' | 'seen_live_before';
}

/**
 * Whether a credential version is dead. A refusal alone proves nothing: it may be about us, about a wrong address, or a
 * supplier that has forgotten everything. `dead` takes a positive control on the same path and authentication: a canary
 * seen live within five minutes of the proof; or, where the supplier allows no canary, the same credential seen live
 * within five minutes before the revoke, and our own authentication accepted at the proof.
 */
export function deathOf(facts: DeathFacts): DeathVerdict {
  const { probe, control, beforeRevoke, ownAuthentication, revokedAt, now } = facts;
  if (!probe) return { verdict: 'indeterminate', why: 'nobody has looked yet' };
  if (probe.at > now)
    return { verdict: 'indeterminate', why: 'the look is from the future: a clock is wrong' };
  if (probe.verdict === 'live')
    return { verdict: 'live', why: `the verifier accepted it at ${iso(probe.at)}` };
  if (probe.verdict === 'indeterminate')
    return { verdict: 'indeterminate', why: 'the verifier gave no usable answer' };

  if (control) {
    if (control.path !== probe.path) return unproven('the control canary was looked at on another path');
    if (control.verdict !== 'live') {
      return unproven(
        control.verdict === 'dead'
          ? 'the control canary, which should live, is refused as well'
          : 'the control canary gave no usable answer',
      );
    }
    if (Math.abs(control.at - probe.at) > CONTROL_WINDOW || control.at > now) {
      return unproven('the control canary was not seen live within five minutes of it');
    }
    return {
      verdict: 'dead',
      why: `refused at ${iso(probe.at)}, while the control canary was accepted at ${iso(control.at)}`,
      control: 'canary',
    };
  }

  if (!beforeRevoke || revokedAt === null || beforeRevoke.verdict !== 'live') {
    return unproven('there is no control canary, and it was not seen live before the revoke');
  }
  if (beforeRevoke.path !== probe.path) return unproven('it was seen live on another path');
  if (beforeRevoke.at > revokedAt || revokedAt - beforeRevoke.at > CONTROL_WINDOW) {
    return unproven('it was not seen live within five minutes before the revoke');
  }
  if (probe.at < revokedAt) return unproven('the refusal is older than the revoke');
  if (!ownAuthentication || ownAuthentication.verdict !== 'live') {
    return unproven('our own authentication was not accepted at the same time');
  }
  if (ownAuthentication.path !== probe.path)
    return unproven('our own authentication was tried on another path');
  if (Math.abs(ownAuthentication.at - probe.at) > CONTROL_WINDOW || ownAuthentication.at > now) {
    return unproven('our own authentication was not tried within five minutes of it');
  }
  return {
    verdict: 'dead',
    why: `accepted at ${iso(beforeRevoke.at)}, revoked at ${iso(revokedAt)}, refused at ${iso(probe.at)} while our own authentication was accepted`,
    control: 'seen_live_before',
  };
}

function unproven(why: string): DeathVerdict {
  return { verdict: 'indeterminate', why: `refused, but unproven: ${why}` };
}
