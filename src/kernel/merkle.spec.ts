import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  CompactRange,
  completeSubtrees,
  consistencyPath,
  EMPTY_ROOT,
  inclusionPath,
  leafHash,
  nodeHash,
  rootOf,
  rootOfSubtrees,
  rootsOf,
  verifyConsistency,
  verifyInclusion,
  type Hash,
  type Subtree,
} from './merkle.ts';

// The reference leaves and roots of transparency-dev/merkle.
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => leafHash(Buffer.from(hex, 'hex')));
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('Merkle trees (RFC 6962)', () => {
  test('reference vectors', () => {
    expect(EMPTY_ROOT).toBe(ROOTS[0]);
    for (const [size, root] of ROOTS.entries()) expect(rootOf(LEAVES.slice(0, size))).toBe(root);
    expect(leafHash('L123456')).toBe('395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56');
  });

  test('a text leaf is hashed as its UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) =>
        expect(leafHash(text)).toBe(leafHash(Buffer.from(text))),
      ),
    );
  });

  test('appending equals the definition, and a restored range goes on where it stopped', () => {
    fc.assert(
      fc.property(leaves(0, 70), fc.nat(), (list, cut) => {
        const at = list.length === 0 ? 0 : cut % (list.length + 1);
        const first = CompactRange.of(list.slice(0, at));
        const rest = CompactRange.restore(first.size, [...first.hashes]);
        for (const leaf of list.slice(at)) rest.append(leaf);
        expect(rest.size).toBe(list.length);
        expect(rest.root()).toBe(byDefinition(list));
      }),
    );
  });

  test('a range that does not fit its size is refused', () => {
    expect(() => CompactRange.restore(3, [LEAVES[0]!])).toThrow('do not make a tree of 3');
    expect(() => CompactRange.restore(1, ['nonsense'])).toThrow(RangeError);
    expect(() => CompactRange.restore(-1, [])).toThrow(RangeError);
  });

  test('completed subtrees are told once each, with the root of their leaves', () => {
    fc.assert(
      fc.property(leaves(1, 70), (list) => {
        const told = new Map<string, Hash>();
        const range = new CompactRange();
        for (const leaf of list) range.append(leaf, (subtree, root) => told.set(name(subtree), root));
        let expected = 0;
        for (let height = 1; 2 ** height <= list.length; height++) {
          for (let index = 0; (index + 1) * 2 ** height <= list.length; index++) {
            expected++;
            const inside = list.slice(index * 2 ** height, (index + 1) * 2 ** height);
            expect(told.get(name({ height, index }))).toBe(byDefinition(inside));
          }
        }
        expect(told.size).toBe(expected);
      }),
    );
  });

  test('the root of a proof range is that of its complete subtrees', () => {
    fc.assert(
      fc.property(leaves(2, 70), fc.nat(), (list, pick) => {
        for (const { from, to } of inclusionPath(pick % list.length, list.length)) {
          const roots = completeSubtrees(from, to).map(({ height, index }) =>
            byDefinition(list.slice(index * 2 ** height, (index + 1) * 2 ** height)),
          );
          expect(rootOfSubtrees(roots)).toBe(byDefinition(list.slice(from, to)));
        }
      }),
    );
  });
});

describe('inclusion proofs', () => {
  test('every leaf of every size is proven; no other leaf, place, size or root passes', () => {
    fc.assert(
      fc.property(leaves(1, 40), fc.nat(), (list, pick) => {
        const index = pick % list.length;
        const claim = { leaf: list[index]!, index, size: list.length, root: byDefinition(list) };
        const path = rootsOf(inclusionPath(index, list.length), list);
        expect(verifyInclusion(claim, path)).toBe(true);
        expect(verifyInclusion({ ...claim, leaf: STRANGER }, path)).toBe(false);
        expect(verifyInclusion({ ...claim, root: STRANGER }, path)).toBe(false);
        expect(verifyInclusion({ ...claim, index: index + 1 }, path)).toBe(false);
        expect(verifyInclusion({ ...claim, index: -1 }, path)).toBe(false);
        expect(verifyInclusion({ ...claim, size: index }, path)).toBe(false);
        expect(verifyInclusion(claim, [...path, STRANGER])).toBe(false);
        if (path.length > 0) {
          expect(verifyInclusion(claim, path.slice(1))).toBe(false);
          expect(verifyInclusion(claim, path.with(0, STRANGER))).toBe(false);
        }
      }),
    );
  });

  test('a place outside the tree has no proof', () => {
    expect(() => inclusionPath(3, 3)).toThrow(RangeError);
    expect(() => inclusionPath(-1, 3)).toThrow(RangeError);
  });
});

describe('consistency proofs', () => {
  test('a prefix is proven; a fork, a shorter tree or a changed proof is not', () => {
    fc.assert(
      fc.property(leaves(1, 40), fc.nat(), (list, pick) => {
        const size = 1 + (pick % list.length);
        const older = { size, root: byDefinition(list.slice(0, size)) };
        const newer = { size: list.length, root: byDefinition(list) };
        const path = rootsOf(consistencyPath(older.size, newer.size), list);
        expect(verifyConsistency(older, newer, path)).toBe(true);
        expect(verifyConsistency({ ...older, root: STRANGER }, newer, path)).toBe(false);
        expect(verifyConsistency(older, { ...newer, root: STRANGER }, path)).toBe(false);
        expect(verifyConsistency(older, newer, [...path, STRANGER])).toBe(false);
        if (path.length > 0) {
          expect(verifyConsistency(newer, older, path)).toBe(false);
          expect(verifyConsistency(older, newer, path.slice(1))).toBe(false);
          for (const at of path.keys())
            expect(verifyConsistency(older, newer, path.with(at, STRANGER))).toBe(false);
        }
        const forked = list.with(pick % size, STRANGER);
        const fork = { size: list.length, root: byDefinition(forked) };
        expect(verifyConsistency(older, fork, rootsOf(consistencyPath(size, fork.size), forked))).toBe(false);
      }),
    );
  });

  test('an empty older tree proves nothing', () => {
    expect(verifyConsistency({ size: 0, root: EMPTY_ROOT }, { size: 1, root: ROOTS[1]! }, [])).toBe(false);
    expect(() => consistencyPath(0, 3)).toThrow(RangeError);
    expect(() => consistencyPath(4, 3)).toThrow(RangeError);
  });
});

const STRANGER = leafHash('stranger');

/** RFC 6962 section 2.1, as it defines the root. */
function byDefinition(list: readonly Hash[]): Hash {
  if (list.length === 0) return EMPTY_ROOT;
  if (list.length === 1) return list[0]!;
  let k = 1;
  while (k * 2 < list.length) k *= 2;
  return nodeHash(byDefinition(list.slice(0, k)), byDefinition(list.slice(k)));
}

function leaves(minLength: number, maxLength: number): fc.Arbitrary<Hash[]> {
  return fc.uniqueArray(fc.nat(), { minLength, maxLength }).map((ns) => ns.map((n) => leafHash(String(n))));
}

function name(subtree: Subtree): string {
  return `${subtree.height}/${subtree.index}`;
}
