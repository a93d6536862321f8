import type { Millis } from '../../kernel/time.ts';
import type { StoreAccess } from './store.ts';

/**
 * What to do about our own authentication at a store: it is prolonged in the second half of its time, so that a day's
 * silence of the store is no harm, and somebody is told in its last third if that did not help.
 */
export function accessDue(access: StoreAccess, now: Millis): 'nothing' | 'renew' | 'ends' {
  if (access.endsAt === null) return 'nothing';
  const left = access.endsAt - now;
  if (left > access.lasts / 2) return 'nothing';
  return access.renewable && left > 0 ? 'renew' : left > access.lasts / 3 ? 'nothing' : 'ends';
}

/** Whether prolonging brought enough: a token comes to its greatest age, and then each time brings less. */
export function endsSoon(renewed: StoreAccess, before: StoreAccess, now: Millis): boolean {
  return renewed.endsAt !== null && renewed.endsAt - now <= Math.max(before.lasts, renewed.lasts) / 3;
}
