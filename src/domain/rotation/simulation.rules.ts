import { ELAPSED_DAY, iso, type Millis } from '../../kernel/time.ts';

/** How far back a use still speaks for a consumer that runs. */
const RECENT: Millis = 30 * ELAPSED_DAY;

/** What becomes of a place when its credential is rotated. */
export const PLACE_FATES = ['breaks', 'updates_itself', 'overdue', 'no_consumer', 'unknown'] as const;
export type PlaceFate = (typeof PLACE_FATES)[number];

export interface SimulatedPlace {
  kind: string;
  arrivedBy: string;
  /** `older`: it holds a version that was replaced before. */
  holds: 'active' | 'older' | 'unknown';
  /** The number of the version that it holds. */
  number: number | null;
  /** As usage was reported for this very place; null: never. */
  lastUsedAt: Millis | null;
  /** Since when usage is reported for the credential at all; null: nobody reports it. */
  reportedSince: Millis | null;
}

/** Kinds of places that hold a copy and have nothing that uses it. */
const DEAD_WOOD: ReadonlySet<string> = new Set([
  'log',
  'screenshot',
  'support_export',
  'source',
  'build_artefact',
]);

/**
 * What a rotation would do to one place, and why. Honest about what is not known: no reported use is not "never used", and
 * what was not seen is neither safe nor broken.
 */
export function fateOf(place: SimulatedPlace, now: Millis): { fate: PlaceFate; why: string } {
  const use = useOf(place, now);
  if (place.holds === 'older')
    return {
      fate: 'overdue',
      why: `It still holds version ${place.number ?? '?'}, which was replaced before. ${use}`,
    };
  if (DEAD_WOOD.has(place.kind) || place.arrivedBy === 'leaked')
    return {
      fate: 'no_consumer',
      why: `Nothing is known to use the copy there; once the old version is dead it is harmless. ${use}`,
    };
  if (place.arrivedBy === 'brokered')
    return { fate: 'updates_itself', why: `It fetches the credential when it needs it. ${use}` };
  if (place.arrivedBy === 'injected')
    return {
      fate: 'updates_itself',
      why: `It is given the credential when it starts: it changes over with its next start, and not before. ${use}`,
    };
  const seen = place.lastUsedAt !== null && now - place.lastUsedAt <= RECENT;
  if (seen)
    return { fate: 'breaks', why: `It keeps a copy of its own and would go on with the old version. ${use}` };
  return {
    fate: 'unknown',
    why: `It keeps a copy of its own; whether anything there still uses it is not known. ${use}`,
  };
}

function useOf({ lastUsedAt, reportedSince }: SimulatedPlace, now: Millis): string {
  if (lastUsedAt !== null) return `Last seen in use at ${iso(lastUsedAt)}.`;
  if (reportedSince === null)
    return 'Nobody reports uses of this credential, so nothing is known of its use.';
  const days = Math.floor((now - reportedSince) / ELAPSED_DAY);
  return `No use was reported from there in ${days} ${days === 1 ? 'day' : 'days'}, which is not "never".`;
}

/** Accepted uses that named no place on record. */
export interface UsedElsewhere {
  /** As reported, the refused ones among them. */
  uses: number;
  /** The last accepted one. */
  lastUsedAt: Millis;
  /** Who used it, where that was told. */
  actors: readonly string[];
}

/** What uses from no known place mean for a rotation: somebody would be hit, and nobody knows who. */
export function elsewhereSays({ uses, lastUsedAt, actors }: UsedElsewhere): string {
  const by = actors.length === 0 ? 'by whom was not told' : `by ${actors.join(', ')}`;
  return `${uses === 1 ? '1 use was' : `${uses} uses were`} reported from no place on record, the last accepted at ${iso(lastUsedAt)}, ${by}. It is not known what breaks.`;
}

/** How many places come to each fate. What uses it from elsewhere counts as one more that is not known, however much it is. */
export function countsOf(fates: readonly PlaceFate[], elsewhere: boolean): Record<PlaceFate, number> {
  const counts = { breaks: 0, updates_itself: 0, overdue: 0, no_consumer: 0, unknown: elsewhere ? 1 : 0 };
  for (const fate of fates) counts[fate] += 1;
  return counts;
}

export interface Rotated {
  versionId: string | null;
  /** The rotation that is under way. */
  open: string | null;
  /** When the version in use was proven dead. */
  deadSince: Date | null;
  /** A connection to its supplier is agreed. */
  byMachine: boolean;
}

/** What stands in the way of a rotation, or makes it another thing than people expect. */
export function obstaclesOf(
  head: Rotated,
  recipe: { madeBy: string; oldFate: string } | null,
  able: string,
): string[] {
  const found: string[] = [];
  if (head.open !== null) found.push(`The rotation ${head.open} is under way already.`);
  if (head.versionId === null) found.push('No version is in use: there is nothing to rotate.');
  if (head.deadSince !== null)
    found.push(
      `The version in use was proven dead at ${iso(head.deadSince.getTime())}: what holds it has failed since, and only the new one works.`,
    );
  if (recipe === null) found.push('No recipe of this installation fits.');
  if (recipe?.madeBy === 'person')
    found.push(
      able === 'no'
        ? 'No machine can make a version: a person does it.'
        : 'Its recipe leaves it to a person to make the version.',
    );
  if (recipe?.oldFate === 'dies')
    found.push(
      'The old version dies as the new one is made: what keeps a copy fails from then on, and there is no way back.',
    );
  if (!head.byMachine)
    found.push('No connection to its supplier is agreed: the old version would be ended by hand.');
  return found;
}
