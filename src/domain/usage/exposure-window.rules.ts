import type { Millis } from '../../kernel/time.ts';
import { labelOf, USE_LABELS, type Declared, type Use, type UseLabel } from './usage.rules.ts';

/** Uses of one version that look alike, as feeds reported them. */
export interface UseGroup extends Use {
  outcome: 'accepted' | 'refused';
  /** The location on record, or what the feed said instead. */
  place: string | null;
  count: number;
  firstAt: Millis;
  lastAt: Millis;
}

/** A feed that has spoken of this version, and when it was silent. */
export interface FeedStanding {
  key: string;
  clock: 'unknown' | 'synchronised';
  aheadMs: number;
  quietAfter: Millis;
  firstReceivedAt: Millis;
  lastReceivedAt: Millis;
  gaps: readonly { from: Millis; until: Millis }[];
}

export interface WindowFacts {
  /** When somebody says that it leaked, or, failing that, how early it can have. */
  first: { at: Millis; basis: string; stated: boolean };
  /** When it was proven dead; null: it is not. */
  deadAt: Millis | null;
  declared: Declared;
  uses: readonly UseGroup[];
  feeds: readonly FeedStanding[];
  /** Locations on record, and whether a use was ever reported from there. */
  locations: readonly { name: string; reported: boolean }[];
  /** Uses before this are no longer kept. */
  keptSince: Millis;
}

export interface LabelledUse extends UseGroup {
  label: UseLabel;
  /** Within the window that is drawn. */
  within: boolean;
}

export type Investigation = 'not_seen' | 'as_expected' | 'other_environment' | 'unknown_actor';

export interface ExposureWindow {
  from: Millis;
  basis: string;
  /** The last accepted use that was reported since; null: none was. */
  lastAcceptedAt: Millis | null;
  deadAt: Millis | null;
  /** `closed`: proven dead, and nothing was accepted after that. `open`: it may be used now. */
  state: 'open' | 'closed';
  uses: LabelledUse[];
  /** Accepted uses within the window, by label. */
  counts: Record<UseLabel, number>;
  blindSpots: string[];
  investigation: Investigation;
  /** The answer in words, with what it rests on. */
  answer: string;
}

/** A feed whose events come from further ahead than this has a clock that is wrong. */
const AHEAD = 5_000;

/**
 * From the first possible exposure to the last accepted use. It says what was reported and what nobody can know: a use
 * that no feed tells of is not a use that did not happen.
 */
export function exposureWindow(facts: WindowFacts, now: Millis): ExposureWindow {
  const { first, deadAt } = facts;
  const uses = facts.uses
    .map((group): LabelledUse => ({
      ...group,
      label: labelOf(group, facts.declared),
      within: group.lastAt >= first.at,
    }))
    .toSorted((a, b) => b.lastAt - a.lastAt);
  const accepted = uses.filter(({ outcome, within }) => outcome === 'accepted' && within);
  const counts = Object.fromEntries(USE_LABELS.map((label) => [label, 0])) as Record<UseLabel, number>;
  for (const use of accepted) counts[use.label] += use.count;
  const lastAcceptedAt = accepted.length > 0 ? Math.max(...accepted.map(({ lastAt }) => lastAt)) : null;
  const closed = deadAt !== null && (lastAcceptedAt === null || lastAcceptedAt <= deadAt + AHEAD);
  const investigation: Investigation =
    accepted.length === 0
      ? 'not_seen'
      : counts.unknown_actor > 0
        ? 'unknown_actor'
        : counts.other_environment > 0
          ? 'other_environment'
          : 'as_expected';
  const blindSpots = blindSpotsOf(facts, now);
  return {
    from: first.at,
    basis: first.basis,
    lastAcceptedAt,
    deadAt,
    state: closed ? 'closed' : 'open',
    uses,
    counts,
    blindSpots,
    investigation,
    answer: answerOf(investigation, counts, blindSpots.length),
  };
}

function blindSpotsOf({ first, deadAt, feeds, locations, keptSince }: WindowFacts, now: Millis): string[] {
  const until = deadAt ?? now;
  const spots: string[] = [];
  if (!first.stated) spots.push('Nobody has said when it leaked: the window begins as early as it can have.');
  if (feeds.length === 0) spots.push('No feed has ever told of its use: nothing is known of who used it.');
  for (const feed of feeds) {
    if (feed.firstReceivedAt > first.at)
      spots.push(
        `Feed ${feed.key} began to report at ${text(feed.firstReceivedAt)}: what it saw before is not known.`,
      );
    for (const gap of feed.gaps) {
      if (gap.from < until && gap.until > first.at)
        spots.push(`Feed ${feed.key} was silent from ${text(gap.from)} until ${text(gap.until)}.`);
    }
    if (until - feed.lastReceivedAt > feed.quietAfter)
      spots.push(`Feed ${feed.key} has been silent since ${text(feed.lastReceivedAt)}.`);
    if (feed.aheadMs > AHEAD)
      spots.push(
        `The clock of feed ${feed.key} was up to ${Math.ceil(feed.aheadMs / 1000)} s ahead of ours.`,
      );
    else if (feed.clock === 'unknown') spots.push(`Nobody vouches for the clock of feed ${feed.key}.`);
  }
  const unreported = locations.filter(({ reported }) => !reported);
  for (const { name } of unreported.slice(0, 20))
    spots.push(`No use was ever reported from ${name}: not seen is not never.`);
  if (unreported.length > 20) spots.push(`The same is true of ${unreported.length - 20} more locations.`);
  if (first.at < keptSince) spots.push(`Uses before ${text(keptSince)} are no longer kept.`);
  return spots;
}

function answerOf(found: Investigation, counts: Record<UseLabel, number>, blind: number): string {
  const number = (count: number, word: string) => `${count} accepted ${count === 1 ? 'use' : 'uses'} ${word}`;
  const rest =
    blind === 0
      ? ''
      : ` ${blind === 1 ? 'One blind spot limits' : `${blind} blind spots limit`} what can be said.`;
  switch (found) {
    case 'not_seen':
      return `No accepted use was reported within the window. That is not proof that there was none.${rest}`;
    case 'as_expected':
      return `Used as expected: ${number(counts.expected, 'by known actors or from known locations')}, and no other.${rest}`;
    case 'other_environment':
      return `Reused from another environment: ${number(counts.other_environment, 'from there')}, beside ${counts.expected} expected.${rest}`;
    case 'unknown_actor':
      return `Used by somebody whom nobody declared: ${number(counts.unknown_actor, 'by unknown actors')}${
        counts.other_environment > 0 ? `, ${counts.other_environment} from another environment` : ''
      }, beside ${counts.expected} expected.${rest}`;
  }
}

function text(at: Millis): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
