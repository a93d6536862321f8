import type { LookVerdict } from './scan.rules.ts';

/** What a read of an entry showed, with its values compared by their fingerprints. */
export interface EntrySeen {
  /** Names of the versions of the entry that hold the value in question, the one that readers get first. */
  holding: readonly { name: string; current: boolean }[];
  /** How many versions of the entry were read. */
  read: number;
  /** How many are there that nobody could read. */
  unread: number;
  /** Whether a fingerprint of the version in question is known at all. */
  known: boolean;
  /** This entry holds, or was seen to hold, some version of the credential: it is the right one. */
  recognised: boolean;
}

/**
 * Whether a store holds a version of a credential. Silence shows that it is gone only from an entry that is known to be
 * the right one, and only where every version that it keeps was read.
 */
export function judgeEntry(seen: EntrySeen): { verdict: LookVerdict; why: string } {
  const [first] = seen.holding;
  if (first) {
    const others = seen.holding.length - 1;
    const more = others === 0 ? '' : `, and ${others} more of its versions`;
    return {
      verdict: 'present',
      why: first.current
        ? `readers of the store get it: ${first.name}${more}`
        : `the store still keeps it as ${first.name}${more}, which is not what readers get unless they ask for it`,
    };
  }
  const no = (why: string) => ({ verdict: 'indeterminate' as const, why });
  if (!seen.known) return no('no fingerprint of this version is known, so that nobody would recognise it');
  if (seen.unread > 0)
    return no(
      `${seen.unread} ${seen.unread === 1 ? 'version' : 'versions'} of the entry could not be read, and may hold it. Have them destroyed.`,
    );
  if (!seen.recognised)
    return no('the entry was never seen to hold this credential, so that it may be the wrong one');
  return {
    verdict: 'gone',
    why:
      seen.read === 0
        ? 'the store has no such entry any more'
        : `none of the ${seen.read} versions that the store keeps holds it`,
  };
}
