import { HOUR, MINUTE, type Millis } from '../../kernel/time.ts';

export const USE_LABELS = ['expected', 'other_environment', 'unknown_actor'] as const;
/** What a use looks like: as it should, from another environment, or by somebody whom nobody declared. */
export type UseLabel = (typeof USE_LABELS)[number];

export const ALARM_KINDS = ['after_revocation', 'burst', 'refused_burst'] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

export interface Use {
  environment: string | null;
  actor: string | null;
  /** A location on record, where the feed named one. */
  locationId: string | null;
}

/** What is written down about a credential: where it belongs and who uses it. */
export interface Declared {
  environment: string;
  actors: ReadonlySet<string>;
  /** Its locations on record. */
  locations: ReadonlySet<string>;
}

/**
 * Another environment outweighs a known actor: a copy travelled. A use from a location on record is expected whoever the
 * actor is; one that names neither a known actor nor such a location came from somebody whom nobody knows.
 */
export function labelOf(use: Use, declared: Declared): UseLabel {
  if (use.environment !== null && use.environment !== declared.environment) return 'other_environment';
  const placed = use.locationId !== null && declared.locations.has(use.locationId);
  const known = use.actor !== null && declared.actors.has(use.actor);
  return placed || known ? 'expected' : 'unknown_actor';
}

/** So many uses by one actor in one environment. */
export type UseGroup = Omit<Use, 'locationId'> & { uses: number };

/** What the uses from one place are: the label of most of them first; of two alike the graver. */
export function mixtureOf(
  groups: readonly UseGroup[],
  locationId: string | null,
  declared: Declared,
): { label: UseLabel; uses: number }[] {
  const counts = new Map<UseLabel, number>();
  for (const { uses, ...group } of groups) {
    const label = labelOf({ ...group, locationId }, declared);
    counts.set(label, (counts.get(label) ?? 0) + uses);
  }
  return [...counts]
    .map(([label, uses]) => ({ label, uses }))
    .toSorted((a, b) => b.uses - a.uses || USE_LABELS.indexOf(b.label) - USE_LABELS.indexOf(a.label));
}

/** Of the uses that bear the label: the last one. Undefined: none does. */
export function lastLabelled<T extends UseGroup & { lastAt: Millis }>(
  groups: readonly T[],
  label: UseLabel,
  locationId: string | null,
  declared: Declared,
): T | undefined {
  return groups
    .filter((group) => labelOf({ ...group, locationId }, declared) === label)
    .toSorted((a, b) => b.lastAt - a.lastAt)[0];
}

/** How far two honest clocks may be apart, and how long a supplier's caches may answer after a revocation. */
const SLACK = MINUTE;

/**
 * Whether a use shows that a revoked version still works. A refused one shows the contrary.
 * @param endedAt when its revocation was accepted, its death proven or its retirement recorded, whichever came first
 */
export function isAfterRevocation(
  use: { at: Millis; outcome: 'accepted' | 'refused' },
  endedAt: Millis | null,
): boolean {
  return use.outcome === 'accepted' && endedAt !== null && use.at > endedAt + SLACK;
}

/** Uses are counted in slots of this length to see bursts. */
export const SLOT = 5 * MINUTE;
/** Below this many accepted uses in a slot nothing is a burst; below this many refused ones nothing is a guess. */
export const BURST_FLOOR = 60;
export const REFUSED_FLOOR = 50;
const BURST_RATIO = 5;
/** So many accepted uses in a slot, 33 a second, are a burst of a credential of which nobody knows yet what is usual. */
export const UNKNOWN_FLOOR = 10_000;
/** What is usual is only known after a day of looking. */
export const LEARNING = 24 * HOUR;

export function slotOf(at: Millis): Millis {
  return at - (at % SLOT);
}

/**
 * @param usual the highest slot of the days before; null: nobody has looked long enough to say what is usual
 */
export function burstOf(slot: {
  accepted: number;
  refused: number;
  usual: number | null;
}): Exclude<AlarmKind, 'after_revocation'> | null {
  const high = slot.usual === null ? UNKNOWN_FLOOR : Math.max(BURST_FLOOR, BURST_RATIO * slot.usual);
  if (slot.accepted >= high) return 'burst';
  return slot.refused >= REFUSED_FLOOR ? 'refused_burst' : null;
}

/** One version as a feed may mean it. */
export interface VersionSpan {
  versionId: string;
  number: number;
  phase: string;
  from: Millis;
  until: Millis | null;
}

/** The version that a use of the credential at that time was of: named by number, else in force then, else the active or newest one. */
export function versionAt<T extends VersionSpan>(
  versions: readonly T[],
  at: Millis,
  number: number | undefined,
): T | undefined {
  if (number !== undefined) return versions.find((version) => version.number === number);
  const newestFirst = versions.toSorted((a, b) => b.number - a.number);
  return (
    newestFirst.find(
      ({ phase, from, until }) => phase !== 'pending' && from <= at && (until === null || at < until),
    ) ??
    newestFirst.find(({ phase }) => phase === 'active') ??
    newestFirst[0]
  );
}

/** What tokens look like that suppliers mark as such, JSON web tokens, private keys, and headers that carry them. */
const VALUES =
  /\b(?:gh[opsur]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9_]{20}|glpat-[A-Za-z0-9_-]{16}|xox[abeoprs]-[A-Za-z0-9-]{10}|[rs]k_(?:live|test)_[A-Za-z0-9]{10}|whsec_[A-Za-z0-9+/=]{16}|SG\.[A-Za-z0-9_-]{16}|hv[bsr]\.[A-Za-z0-9_-]{16}|dop_v1_[a-f0-9]{16}|npm_[A-Za-z0-9]{20}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.)|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:bearer|basic)\s+[A-Za-z0-9+/._~=-]{12}|:\/\/[^/\s:@]*:[^/\s@]+@/i;

/** Whether a text seems to hold a secret: such an event is refused, and what it said is not repeated. */
export function holdsValue(text: string): boolean {
  return VALUES.test(text);
}
