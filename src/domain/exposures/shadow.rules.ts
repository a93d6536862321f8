import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';

/** Reports that matched nothing, of one source, kind and place: somewhere a credential is in use that nobody declared. */
export interface ShadowHint {
  reports: number;
  publiclyLeaked: boolean;
  /** Whether a source says that one of them still works. */
  saidLive: boolean;
  lastAt: Millis;
  /** The supplier's own ids that were told with them. */
  supplierIds: number;
}

/**
 * How much a hint wants to be looked at, from 0. What still works in public comes first, then what was told often, then
 * what is fresh.
 */
export function shadowScore(hint: ShadowHint, now: Millis): number {
  const fresh = Math.max(0, 1 - (now - hint.lastAt) / (90 * ELAPSED_DAY));
  return Math.round(
    (hint.saidLive ? 800 : 0) +
      (hint.publiclyLeaked ? 400 : 0) +
      Math.min(150, 30 * Math.log2(1 + hint.reports)) +
      Math.min(50, 10 * hint.supplierIds) +
      100 * fresh,
  );
}
