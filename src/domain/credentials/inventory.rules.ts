import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';

/** Not used for longer than this: nobody would miss it. */
const STALE_AFTER = 90 * ELAPSED_DAY;
/** Said before a rotation is overdue. */
const SOON = 14 * ELAPSED_DAY;

export interface KeptCredential {
  owned: boolean;
  purpose: string;
  store: string;
  rotateEveryDays: number | null;
  /** Of the version in use; null: none, or nobody knows. */
  issuedAt: Millis | null;
  expiresAt: Millis | null;
  lastUsedAt: Millis | null;
}

export type Gap =
  'no_owner' | 'no_purpose' | 'no_store' | 'no_rotation' | 'rotation_overdue' | 'unused' | 'never_seen_used';

/** When it has to be rotated next. @returns null where there is no schedule, or nobody knows since when it is in use */
export function rotationDueAt(
  credential: Pick<KeptCredential, 'rotateEveryDays' | 'issuedAt'>,
): Millis | null {
  const { rotateEveryDays, issuedAt } = credential;
  return rotateEveryDays === null || issuedAt === null ? null : issuedAt + rotateEveryDays * ELAPSED_DAY;
}

export function rotationState(
  credential: Pick<KeptCredential, 'rotateEveryDays' | 'issuedAt'>,
  now: Millis,
): 'none' | 'unknown' | 'fine' | 'soon' | 'overdue' {
  if (credential.rotateEveryDays === null) return 'none';
  const due = rotationDueAt(credential);
  if (due === null) return 'unknown';
  if (now > due) return 'overdue';
  return now > due - SOON ? 'soon' : 'fine';
}

/** What a living inventory misses of a credential, the worst first. What expires by itself needs no schedule. */
export function gapsOf(credential: KeptCredential, now: Millis): Gap[] {
  const gaps: Gap[] = [];
  if (!credential.owned) gaps.push('no_owner');
  if (rotationState(credential, now) === 'overdue') gaps.push('rotation_overdue');
  if (credential.store === '') gaps.push('no_store');
  if (credential.rotateEveryDays === null && credential.expiresAt === null) gaps.push('no_rotation');
  if (credential.purpose.trim() === '') gaps.push('no_purpose');
  if (credential.lastUsedAt === null) gaps.push('never_seen_used');
  else if (now - credential.lastUsedAt > STALE_AFTER) gaps.push('unused');
  return gaps;
}
