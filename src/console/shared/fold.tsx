import type { ComponentChildren, VNode } from 'preact';
import { Chip, type Tone } from './states.tsx';

/** How many of something are in a state. */
export interface Tally {
  tone: Tone;
  word: string;
  count: number;
}

const DIRE: readonly Tone[] = ['live', 'doubt', 'wait', 'info', 'calm', 'dead'];

/** How many are in which state, what is dangerous first. */
export function tally<T>(items: readonly T[], stateOf: (item: T) => { tone: Tone; word: string }): Tally[] {
  const counts = new Map<string, Tally>();
  for (const item of items) {
    const { tone, word } = stateOf(item);
    counts.set(word, { tone, word, count: (counts.get(word)?.count ?? 0) + 1 });
  }
  return [...counts.values()].toSorted((a, b) => DIRE.indexOf(a.tone) - DIRE.indexOf(b.tone));
}

/**
 * Folded away under a line that says how many of what: it opens by a click or a key, without a script, and stands open on
 * paper. A page that moves leaves it as its reader left it.
 */
export function Fold({
  id,
  word,
  states = [],
  children,
}: {
  /** Of the page alone: by it what is open stays open. */
  id: string;
  word: string;
  states?: readonly Tally[];
  children: ComponentChildren;
}) {
  return (
    <details class="fold" id={id}>
      <summary>
        <span class="line tight">
          {word}{' '}
          {states.map(({ tone, word: state, count }) => (
            <Chip tone={tone}>{`${count} ${state}`}</Chip>
          ))}
        </span>
      </summary>
      {children}
    </details>
  );
}

/**
 * A list that stays short: the first of what needs somebody in sight, the rest of it folded, and folded by itself what is
 * settled. Every item is drawn once. A list of no more than `first` is drawn as it is.
 */
export function Short<T>({
  id,
  items,
  first,
  needs = () => true,
  more,
  settled = '',
  states,
  children: draw,
}: {
  id: string;
  /** In the order in which they are to be looked at. */
  items: readonly T[];
  first: number;
  /** Whether somebody still has to do something about it. */
  needs?: (item: T) => boolean;
  /** What the rest of those is called, without a number. */
  more: string;
  /** What the settled are called, without a number. */
  settled?: string;
  /** How many of a part are in which state. */
  states: (part: readonly T[]) => readonly Tally[];
  children: (part: readonly T[]) => VNode | null;
}) {
  if (items.length <= first) return draw(items);
  const open = items.filter(needs);
  const rest = items.filter((item) => !needs(item));
  const [near, far] = [open.slice(0, first), open.slice(first)];
  return (
    <>
      {near.length > 0 && draw(near)}
      {far.length > 0 && (
        <Fold id={`${id}-more`} word={more} states={states(far)}>
          {draw(far)}
        </Fold>
      )}
      {rest.length > 0 && (
        <Fold id={`${id}-settled`} word={settled} states={states(rest)}>
          {draw(rest)}
        </Fold>
      )}
    </>
  );
}

/** Where the whole of a list is, when a page shows only the first of it. Paper says so, too. */
export function Whole({ shown, of, path }: { shown: number; of: number; path: string }) {
  if (of <= shown) return null;
  return (
    <p class="soft small whole">
      {`The first ${shown} of ${of} are here. `}
      <a class="button plain small" href={path}>
        All {of}
      </a>
    </p>
  );
}
