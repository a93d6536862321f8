import type { Millis } from '../../kernel/time.ts';

export interface LivedVersion {
  phase: string;
  /** As its verifier was last seen to take it; null: nobody has looked. */
  liveness: string | null;
  /** Since when it is proven dead. */
  deadSince: Millis | null;
  retiredAt: Millis | null;
  expiresAt: Millis | null;
}

/**
 * What a version is, in a word. A phase says what it is meant for, and that does not hold of what is proven dead: such a
 * version is called dead, whatever it was meant for. A retired one is out of use either way.
 */
export function standingOfVersion({ phase, liveness }: Pick<LivedVersion, 'phase' | 'liveness'>): string {
  return liveness === 'dead' && phase !== 'retired' ? 'dead' : phase;
}

/** Until when a version could be used, or can be; null: without an end. */
export function endOfVersion(version: LivedVersion): Millis | null {
  const planned = version.retiredAt ?? version.expiresAt;
  if (version.liveness !== 'dead' || version.deadSince === null) return planned;
  return planned === null ? version.deadSince : Math.min(planned, version.deadSince);
}
