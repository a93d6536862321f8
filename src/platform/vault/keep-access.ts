import { errorText } from '../../kernel/errors.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { accessDue, endsSoon } from './access.rules.ts';
import type { StoreAccess } from './store.ts';

export interface AccessKept {
  /** null: it does not end by itself, or nobody could say. */
  endsAt: Millis | null;
  /** What somebody has to see to, in a sentence; null: nothing. */
  problem: string | null;
}

/**
 * Looks at our own authentication somewhere and prolongs it ahead of its end.
 *
 * @param of `access` answers null where it cannot end
 */
export async function keepAccess(
  of: { access(): Promise<StoreAccess | null>; renew(): Promise<StoreAccess | null> },
  now: () => Millis,
): Promise<AccessKept> {
  try {
    const access = await of.access();
    if (access === null) return { endsAt: null, problem: null };
    const due = accessDue(access, now());
    const ends = (at: Millis | null) => `our own token ends at ${iso(at ?? now())}`;
    if (due === 'nothing') return { endsAt: access.endsAt, problem: null };
    if (due === 'ends')
      return {
        endsAt: access.endsAt,
        problem: `${ends(access.endsAt)} and cannot be prolonged. Set another one.`,
      };
    const renewed = await of.renew();
    if (!renewed) return { endsAt: access.endsAt, problem: null };
    return {
      endsAt: renewed.endsAt,
      problem: endsSoon(renewed, access, now())
        ? `${ends(renewed.endsAt)}, at its greatest age, whatever is done. Set another one.`
        : null,
    };
  } catch (thrown) {
    return {
      endsAt: null,
      problem: `our own token could not be looked at or prolonged: ${errorText(thrown)}.`,
    };
  }
}
