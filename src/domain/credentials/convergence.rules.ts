import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';

/** How a record of a copy came to be: somebody wrote it down, or something was seen at the place. */
export const SHOWN_BY = ['record', 'fingerprint', 'store_api'] as const;
export type ShownBy = (typeof SHOWN_BY)[number];

/** One place that keeps a credential, by its newest record. */
export interface HeldPlace {
  locationId: Id;
  name: string;
  kind: string;
  path: string;
  partyName: string | null;
  /** Number of the version that it holds; null: nobody has said which, or a value was seen there that is none of them. */
  version: number | null;
  shownBy: ShownBy | null;
  at: Millis | null;
  /** Numbers of other versions that it has held and that nobody has shown to be gone from it. */
  left: readonly number[];
}

/**
 * `seen`: holds the version, and something looked. `stated`: somebody says that it does. `other`: holds another version, or
 * something else. `unknown`: nobody has said which version it holds.
 */
export type PlaceStanding = 'seen' | 'stated' | 'other' | 'unknown';

export interface Convergence {
  /** Number of the version that every place is to hold; null: there is none. */
  target: number | null;
  counts: Readonly<Record<PlaceStanding, number>>;
  /** Every place holds it, as far as is known; false where there is no place at all to know of. */
  converged: boolean;
  /** What is not there yet comes first. */
  places: (HeldPlace & { standing: PlaceStanding })[];
}

const ORDER: readonly PlaceStanding[] = ['other', 'unknown', 'stated', 'seen'];

/** Which places still hold another version than the one that they are to hold. */
export function convergenceOf(places: readonly HeldPlace[], target: number | null): Convergence {
  const standing = places
    .map((place) => ({ ...place, standing: standingOf(place, target) }))
    .toSorted(
      (a, b) =>
        ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) ||
        (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) ||
        (a.locationId < b.locationId ? -1 : 1),
    );
  const counts = { seen: 0, stated: 0, other: 0, unknown: 0 };
  for (const place of standing) counts[place.standing] += 1;
  return {
    target,
    counts,
    converged: places.length > 0 && counts.other === 0 && counts.unknown === 0,
    places: standing,
  };
}

function standingOf(place: HeldPlace, target: number | null): PlaceStanding {
  if (place.version === null) return place.shownBy === null ? 'unknown' : 'other';
  if (target === null || place.version !== target) return 'other';
  return place.shownBy === 'fingerprint' || place.shownBy === 'store_api' ? 'seen' : 'stated';
}
