import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { whoIs } from './approval.rules.ts';

/** Somebody's part in a run: the person where one is known. */
export interface Part {
  /** As the runbook names it: `approve`. Whoever started the run has the part `request`. */
  act: string;
  who: string;
}

/** The part of whoever starts a run. */
export const REQUEST = 'request';

/**
 * Which part somebody had already that excludes the next one; null: none does. Parts of one group belong to different
 * people. The same part twice is no conflict: who approves one thing may approve another.
 *
 * @param groups  parts that exclude one another
 */
export function conflictOf(
  groups: readonly (readonly string[])[],
  before: readonly Part[],
  next: Part,
): string | null {
  for (const group of groups) {
    if (!group.includes(next.act)) continue;
    const other = before.find(
      (one) => one.who === next.who && one.act !== next.act && group.includes(one.act),
    );
    if (other) return other.act;
  }
  return null;
}

/** Whether a part is one that has to be apart from others at all. */
export function isSeparated(groups: readonly (readonly string[])[], act: string): boolean {
  return groups.some((group) => group.includes(act));
}

/** The refusal that names the conflict. */
export function separationRefusal(title: string, act: string, before: string): Refusal {
  return refusal(
    'forbidden',
    'separation-of-duties',
    `You have the part "${before}" in "${title}", so that the part "${act}" belongs to somebody else. Ask another person.`,
  );
}

/** Where parts are kept apart, an act has to be a person's: a token could be anybody's. */
export const PERSON_NEEDED = refusal(
  'forbidden',
  'person-needed',
  'Duties are kept apart here, so that a person has to act: sign in, or use a token that belongs to an account.',
);

/** Why somebody may not play a part of this runbook, whatever is done with it; null: they may. */
export function whyApart(
  runbook: { title: string; separation?: readonly (readonly string[])[] | undefined },
  before: readonly Part[],
  act: string,
  by: Principal,
): Refusal | null {
  const groups = runbook.separation ?? [];
  if (by.kind === 'system' || !isSeparated(groups, act)) return null;
  if (by.personId === undefined) return PERSON_NEEDED;
  const conflict = conflictOf(groups, before, { act, who: whoIs(by) });
  return conflict === null ? null : separationRefusal(runbook.title, act, conflict);
}
