import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';

/** A contact that nobody confirmed for longer than this may have left. */
const CONFIRMED_FOR = 180 * ELAPSED_DAY;

export interface ReachableContact {
  active: boolean;
  email: string | null;
  phone: string | null;
  confirmedAt: Millis | null;
  /** Whether the last mail to it was refused. */
  refused: boolean;
}

export interface Reach {
  state: 'reachable' | 'unconfirmed' | 'unreachable';
  why: string;
}

/** Whether somebody can be told, as far as one knows without telling. A phone still reaches whose mail is refused. */
export function reachOf(contact: ReachableContact, now: Millis): Reach {
  if (!contact.active) return { state: 'unreachable', why: 'no longer active' };
  if (contact.email === null && contact.phone === null)
    return { state: 'unreachable', why: 'neither phone nor mail address' };
  if (contact.refused && contact.phone === null)
    return { state: 'unreachable', why: 'the last mail was refused, and there is no phone' };
  if (contact.confirmedAt === null) return { state: 'unconfirmed', why: 'never confirmed' };
  if (now - contact.confirmedAt > CONFIRMED_FOR)
    return { state: 'unconfirmed', why: 'not confirmed for half a year' };
  return contact.refused
    ? { state: 'reachable', why: 'by phone; the last mail was refused' }
    : { state: 'reachable', why: 'confirmed' };
}
