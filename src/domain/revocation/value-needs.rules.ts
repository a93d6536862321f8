import type { Abilities } from './connector.ts';

/** What a value is needed for that is not at hand. */
export const NEEDED_FOR = ['revoke', 'probe', 'revoke_and_probe'] as const;
export type NeededFor = (typeof NEEDED_FOR)[number];

/**
 * For what a person is needed where a version's value is not at hand: what some machine could do with it, and none can
 * without. null: for nothing.
 *
 * @param ways  what each connection by which it can be stopped is able to do
 */
export function neededFor(ways: readonly Pick<Abilities, 'revoke' | 'probe'>[]): NeededFor | null {
  const needs = (what: 'revoke' | 'probe') =>
    ways.some((way) => way[what] === 'value') && !ways.some((way) => way[what] === 'id');
  const [revoke, probe] = [needs('revoke'), needs('probe')];
  if (revoke && probe) return 'revoke_and_probe';
  return revoke ? 'revoke' : probe ? 'probe' : null;
}
