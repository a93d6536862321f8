import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ownerWordCounts, type Ownership } from './own-word.rules.ts';

const people = fc.constantFrom('ann', 'ben', 'cem');
/** What brings it about that a copy is somebody's, the latest of each kind last. */
const act = fc.record({ kind: fc.constantFrom('namedBy' as const, 'addressedBy' as const), by: people });
const after = (acts: readonly { kind: keyof Ownership; by: string }[]): Ownership =>
  acts.reduce<Ownership>((held, { kind, by }) => ({ ...held, [kind]: by }), {
    namedBy: null,
    addressedBy: null,
  });

describe('the word of an owner', () => {
  test('counts only where everything that made them the owner was done by others', () => {
    fc.assert(
      fc.property(fc.array(act), people, (acts, signer) => {
        const last = (kind: keyof Ownership) => acts.findLast((one) => one.kind === kind)?.by;
        const alone = [last('namedBy'), last('addressedBy')].includes(signer);
        expect(ownerWordCounts(after(acts), signer)).toBe(!alone);
      }),
    );
  });

  test('is never made to count by anything that its giver does', () => {
    fc.assert(
      fc.property(fc.array(act), people, fc.array(act), (before, signer, more) => {
        const own = more.map((one) => ({ ...one, by: signer }));
        if (!ownerWordCounts(after(before), signer))
          expect(ownerWordCounts(after([...before, ...own]), signer)).toBe(false);
      }),
    );
  });

  test('counts where an import named the owner, or nobody knows any more', () => {
    expect(ownerWordCounts({ namedBy: null, addressedBy: null }, 'ann')).toBe(true);
  });
});
