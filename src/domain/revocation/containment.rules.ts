import { iso, type Millis } from '../../kernel/time.ts';
import type { Verdict } from './connector.ts';

export const REVOCATIONS = ['none', 'requested', 'accepted', 'rejected'] as const;
export type RevocationFacet = (typeof REVOCATIONS)[number];
export const SESSIONS = ['unknown', 'ended', 'residual', 'none'] as const;
export type SessionsFacet = (typeof SESSIONS)[number];
export const LOCATION_VERDICTS = ['gone', 'present', 'cannot_be_proven'] as const;
export type LocationVerdict = (typeof LOCATION_VERDICTS)[number];

/** What is known of one exposed credential version. */
export interface DeathFacets {
  versionId: string;
  label: string;
  revocation: RevocationFacet;
  /** null: nobody has looked. */
  liveness: Verdict | null;
  /** It was proven dead before it was known to be exposed: what is said of it now is that it may live. */
  provenBefore?: boolean;
  /** Whether a machine can look at all. Without, only a statement or a risk acceptance is left. */
  probeable: boolean;
  sessions: SessionsFacet;
  sessionsUntil: Millis | null;
  /** A named person signed that it was revoked, or that its sessions were ended. */
  statements: readonly ('revoked' | 'replaced' | 'sessions_ended' | 'not_affected')[];
  /** Until when somebody with a name carries the risk. */
  riskAcceptedUntil: Millis | null;
}

/** What is known of one copy. */
export interface CopyFacets {
  locationId: string;
  label: string;
  /** null: nobody has looked. */
  verdict: LocationVerdict | null;
  riskAcceptedUntil: Millis | null;
}

export interface ContainmentReason {
  subject: 'version' | 'copy';
  id: string;
  /** `open`: known to be abusable, or still being worked on. `unproven`: cannot be shown by machine. */
  state: 'open' | 'unproven';
  /** Kebab-case. */
  code: string;
  message: string;
  /** For `unproven`: whether a signed statement or an unexpired risk acceptance covers it. */
  covered: boolean;
  /** When it ends by itself. */
  until?: Millis;
}

export interface Containment {
  state: 'contained' | 'open' | 'unproven';
  /** Empty when contained. */
  reasons: ContainmentReason[];
  /** Contained, or nothing open and each unproven thing covered by a statement or a risk acceptance. */
  closable: boolean;
}

/**
 * Whether an exposure is contained: every version proven dead with its sessions over, every copy gone. Revocation alone
 * never counts, however often the supplier said yes. Computed, never stored, so that it cannot go stale.
 */
export function containmentOf(
  facets: readonly DeathFacets[],
  copies: readonly CopyFacets[],
  now: Millis,
): Containment {
  const reasons = [
    ...facets.flatMap((one) => [...livenessReasons(one, now), ...sessionsReasons(one, now)]),
    ...copies.flatMap((copy) => copyReasons(copy, now)),
  ];
  const open = reasons.some((reason) => reason.state === 'open');
  return {
    state: open ? 'open' : reasons.length > 0 ? 'unproven' : 'contained',
    reasons,
    closable: !open && reasons.every((reason) => reason.covered),
  };
}

/** Proven, and not only before it was known to be exposed. */
export function isDead({ liveness, provenBefore }: Pick<DeathFacets, 'liveness' | 'provenBefore'>): boolean {
  return liveness === 'dead' && provenBefore !== true;
}

function livenessReasons(one: DeathFacets, now: Millis): ContainmentReason[] {
  if (isDead(one)) return [];
  const reason = (state: ContainmentReason['state'], code: string, message: string, covered = false) => [
    {
      subject: 'version' as const,
      id: one.versionId,
      state,
      code,
      message: `${one.label}: ${message}`,
      covered,
    },
  ];
  if (one.liveness === 'live') return reason('open', 'alive', 'the verifier still accepts it');
  const covered =
    accepted(one.riskAcceptedUntil, now) || signed(one, ['revoked', 'replaced', 'not_affected']);
  if (!one.probeable || covered)
    return reason('unproven', 'death-unproven', 'its death cannot be proven', covered);
  if (one.provenBefore)
    return reason(
      'open',
      'proven-before',
      'it was proven dead before this was known, and nobody has looked since',
    );
  return one.liveness === null
    ? reason('open', 'not-looked-at', 'nobody has looked whether it lives')
    : reason('open', 'death-unproven-yet', 'its death is not proven yet');
}

function sessionsReasons(one: DeathFacets, now: Millis): ContainmentReason[] {
  const covered = accepted(one.riskAcceptedUntil, now) || signed(one, ['sessions_ended', 'not_affected']);
  const reason = (state: ContainmentReason['state'], code: string, message: string, until?: Millis) => [
    {
      subject: 'version' as const,
      id: one.versionId,
      state,
      code,
      message: `${one.label}: ${message}`,
      covered: state === 'unproven' && covered,
      ...(until === undefined ? {} : { until }),
    },
  ];
  switch (one.sessions) {
    case 'ended':
    case 'none':
      return [];
    case 'residual':
      if (one.sessionsUntil !== null && one.sessionsUntil <= now) return [];
      return one.sessionsUntil === null
        ? reason('open', 'sessions-residual', 'what was derived from it lives on, nobody knows how long')
        : reason(
            'open',
            'sessions-residual',
            `what was derived from it lives until ${iso(one.sessionsUntil)}`,
            one.sessionsUntil,
          );
    case 'unknown':
      return reason('unproven', 'sessions-unknown', 'whether its sessions live on is not known');
  }
}

function copyReasons(copy: CopyFacets, now: Millis): ContainmentReason[] {
  if (copy.verdict === 'gone') return [];
  const reason = (state: ContainmentReason['state'], code: string, message: string, covered = false) => [
    {
      subject: 'copy' as const,
      id: copy.locationId,
      state,
      code,
      message: `${copy.label}: ${message}`,
      covered,
    },
  ];
  const covered = accepted(copy.riskAcceptedUntil, now);
  if (copy.verdict === 'cannot_be_proven') {
    return reason('unproven', 'copy-unprovable', 'that the copy is gone cannot be proven', covered);
  }
  if (covered)
    return reason('unproven', 'copy-accepted', 'the copy is there, and somebody carries the risk', true);
  return copy.verdict === 'present'
    ? reason('open', 'copy-present', 'the copy is still there')
    : reason('open', 'copy-not-looked-at', 'nobody has looked whether the copy is gone');
}

function accepted(until: Millis | null, now: Millis): boolean {
  return until !== null && until > now;
}

function signed(one: DeathFacets, kinds: readonly DeathFacets['statements'][number][]): boolean {
  return one.statements.some((kind) => kinds.includes(kind));
}
