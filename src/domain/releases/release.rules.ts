import { iso, type Millis } from '../../kernel/time.ts';

/** What is known of the version whose value is wanted. */
export interface VersionState {
  phase: string;
  expiresAt: Millis | null;
  /** Its value is in a store of this installation. */
  kept: boolean;
  /** Reported as leaked, and not dismissed. */
  exposed: boolean;
  /** A revocation of it was asked for, whatever came of it. */
  beingRevoked: boolean;
  dead: boolean;
}

/** Why a value is not handed out; each with the sentence for people. */
export const OBSTACLES = {
  'not-kept': 'Its value is not kept here.',
  'version-retired': 'This version is retired.',
  'version-expired': 'This version has expired.',
  exposed: 'It was reported as leaked: nobody needs what has to die.',
  'being-revoked': 'It is being revoked.',
  dead: 'It is proven dead.',
} as const;
export type Obstacle = keyof typeof OBSTACLES;

export function obstaclesOf(version: VersionState, now: Millis): Obstacle[] {
  const found: Obstacle[] = [];
  if (!version.kept) found.push('not-kept');
  if (version.phase === 'retired') found.push('version-retired');
  if (version.expiresAt !== null && version.expiresAt <= now) found.push('version-expired');
  if (version.exposed) found.push('exposed');
  if (version.beingRevoked) found.push('being-revoked');
  if (version.dead) found.push('dead');
  return found;
}

/** How a policy lets people see values: given by a second person, only in an emergency, or not at all. */
export const REVEAL_LEVELS = ['with-approval', 'break-glass', 'never'] as const;
export type RevealLevel = (typeof REVEAL_LEVELS)[number];

/** A shared credential is held to the strictest of the policies of those who use it. */
export function strictest(levels: readonly RevealLevel[]): RevealLevel {
  return levels.reduce<RevealLevel>(
    (most, one) => (REVEAL_LEVELS.indexOf(one) > REVEAL_LEVELS.indexOf(most) ? one : most),
    'with-approval',
  );
}

export interface RevealFacts {
  policy: RevealLevel;
  obstacles: readonly Obstacle[];
  /** Somebody else has given the permission, and it is in force. */
  permitted: boolean;
  breakGlass: boolean;
}

/** What stands against it and can be passed over by breaking the glass. */
export type Skipped = 'approval' | 'policy' | Extract<Obstacle, 'exposed' | 'being-revoked' | 'dead'>;

export type RevealVerdict = { show: true; skipped: Skipped[] } | { show: false; code: string; why: string };

const PASSABLE: readonly Obstacle[] = ['exposed', 'being-revoked', 'dead'];

/** Whether a person may see a value. What breaking the glass passes over is named, so that those passed over can be told. */
export function judgeReveal({ policy, obstacles, permitted, breakGlass }: RevealFacts): RevealVerdict {
  const hard = obstacles.find((one) => !PASSABLE.includes(one));
  if (hard) return { show: false, code: hard, why: OBSTACLES[hard] };
  if (policy === 'never')
    return { show: false, code: 'policy-forbids', why: 'Its policy lets nobody see it.' };
  const skipped: Skipped[] = [
    ...(permitted ? [] : (['approval'] as const)),
    ...(policy === 'break-glass' ? (['policy'] as const) : []),
    ...obstacles.filter((one): one is Extract<Obstacle, Skipped> => PASSABLE.includes(one)),
  ];
  if (skipped.length === 0 || breakGlass) return { show: true, skipped };
  if (!permitted)
    return { show: false, code: 'not-given', why: 'Nobody has given you the permission to see it.' };
  if (policy === 'break-glass')
    return {
      show: false,
      code: 'policy-forbids',
      why: 'Its policy lets it be seen only by breaking the glass.',
    };
  const obstacle = obstacles[0]!;
  return { show: false, code: obstacle, why: OBSTACLES[obstacle] };
}

export interface CheckoutFacts {
  identity: { state: string; environment: string };
  grant: { state: string; expiresAt: Millis };
  integration: { state: string; pass: string; graceUntil: Millis | null };
  credential: { environment: string; retired: boolean };
  /** The active one; null: there is none. */
  version: VersionState | null;
}

export interface CheckoutRefusal {
  code: string;
  why: string;
}

/**
 * Why a workload gets nothing now; null: it may have it. Production stays shut until the gate lets it open, and a pass that
 * was lost carries for its grace and no longer.
 */
export function whyNoCheckout(facts: CheckoutFacts, now: Millis): CheckoutRefusal | null {
  const { identity, grant, integration, credential, version } = facts;
  const no = (code: string, why: string): CheckoutRefusal => ({ code, why });
  if (identity.state !== 'approved') return no('identity-not-approved', `The identity is ${identity.state}.`);
  if (grant.state !== 'approved') return no('grant-not-approved', `What was declared is ${grant.state}.`);
  if (grant.expiresAt <= now)
    return no('grant-expired', `What was declared ended at ${iso(grant.expiresAt)}.`);
  if (integration.state !== 'live')
    return no('integration-not-live', `The integration is ${integration.state}, not live.`);
  const { pass, graceUntil } = integration;
  if (pass === 'refused' || (pass === 'lost' && (graceUntil === null || graceUntil <= now)))
    return no('pass-lost', 'The integration has lost its pass at the gate, and its grace is over.');
  if (credential.retired) return no('credential-retired', 'The credential is retired.');
  if (credential.environment !== identity.environment)
    return no('other-environment', 'The credential belongs to another environment than the identity.');
  if (version === null) return no('no-active-version', 'The credential has no active version.');
  const [obstacle] = obstaclesOf(version, now);
  return obstacle ? no(obstacle, OBSTACLES[obstacle]) : null;
}

export interface LeaseLimits {
  /** Wanted for this lease, in seconds. */
  seconds: number;
  /** After which no renewal leads. */
  latestEnd: Millis;
  versionExpiresAt: Millis | null;
  grantExpiresAt: Millis;
}

/** When a lease ends that begins or is renewed now. */
export function leaseEnd(
  { seconds, latestEnd, versionExpiresAt, grantExpiresAt }: LeaseLimits,
  now: Millis,
): Millis {
  return Math.min(now + seconds * 1000, latestEnd, grantExpiresAt, versionExpiresAt ?? Infinity);
}
