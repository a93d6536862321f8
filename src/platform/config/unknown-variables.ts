import { environmentSchema } from './config.ts';

/** Not read by `parseConfig`, and no mistake: secrets that the env store names, and what the tests read. */
const OTHERS = /^COUNTERSIGN_(SECRET|TEST|FAULT)_|^COUNTERSIGN_(SCREENSHOTS|CHROMIUM|FAULT_SEEDS?)$/;

/** A variable that nothing reads, though its name says that it is meant for us. */
export interface UnknownVariable {
  name: string;
  /** What it may have been meant to be; absent: nothing is near. */
  nearest?: string;
}

/** Variables that begin as ours do and are none: a name mistyped is a setting that silently does not hold. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): UnknownVariable[] {
  const known = Object.keys(environmentSchema.shape);
  return Object.keys(env)
    .filter((name) => name.startsWith('COUNTERSIGN_') && !known.includes(name) && !OTHERS.test(name))
    .toSorted()
    .map((name) => {
      const nearest = known
        .map((candidate) => ({ candidate, far: begins(name, candidate) ? 1 : distance(name, candidate) }))
        .toSorted((a, b) => a.far - b.far)[0];
      return nearest && nearest.far <= FARTHEST ? { name, nearest: nearest.candidate } : { name };
    });
}

/** Slips of the hand; beyond it a guess misleads. */
const FARTHEST = 3;

/** One is the other with its end left off. */
function begins(name: string, candidate: string): boolean {
  const [short, long] = name.length < candidate.length ? [name, candidate] : [candidate, name];
  return short.length > 'COUNTERSIGN_'.length && long.startsWith(short);
}

/** How many letters to put in, take out or change to make one of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
