import { hash } from 'node:crypto';

/**
 * Merkle trees as RFC 6962 section 2.1 and RFC 9162 section 2.1 hash them: SHA-256, leaves and nodes under different
 * prefixes, an odd node promoted and never doubled.
 *
 * A hash is 64 lower-case hex digits here: compared with `===`, fit for JSON, and cheaper to make than a buffer.
 */
export type Hash = string;

const HASH = /^[0-9a-f]{64}$/;

export function isHash(text: unknown): text is Hash {
  return typeof text === 'string' && HASH.test(text);
}

/** The root of the empty tree: SHA-256 of nothing. */
export const EMPTY_ROOT: Hash = hash('sha256', '', 'hex');

/** SHA-256(0x00 ‖ data). A text is hashed as its UTF-8 bytes. */
export function leafHash(data: string | Buffer): Hash {
  return typeof data === 'string'
    ? hash('sha256', `\u0000${data}`, 'hex')
    : hash('sha256', Buffer.concat([LEAF_PREFIX, data]), 'hex');
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  scratch.write(left, 1, 32, 'hex');
  scratch.write(right, 33, 32, 'hex');
  return hash('sha256', scratch, 'hex');
}

const LEAF_PREFIX = Buffer.from([0]);
const scratch = Buffer.alloc(65, 1); // the first byte stays 0x01

/** The root of a list of leaf hashes. */
export function rootOf(leaves: readonly Hash[]): Hash {
  return CompactRange.of(leaves).root();
}

/** A complete subtree: `2 ** height` leaves, the first of them at `index * 2 ** height`. */
export interface Subtree {
  height: number;
  index: number;
}

/**
 * What must be kept of a tree in order to append to it: the roots of its largest complete subtrees, left to right. One
 * for each bit that is set in the size, so 20 hashes for a million leaves.
 */
export class CompactRange {
  #size = 0;
  readonly #stack: Hash[] = [];

  static of(leaves: Iterable<Hash>): CompactRange {
    const range = new CompactRange();
    for (const leaf of leaves) range.append(leaf);
    return range;
  }

  /** @throws RangeError when the number of hashes does not fit the size. */
  static restore(size: number, hashes: readonly Hash[]): CompactRange {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a tree of ${size} leaves`);
    if (hashes.length !== completeSubtrees(0, size).length || !hashes.every(isHash)) {
      throw new RangeError(`${hashes.length} subtree hashes do not make a tree of ${size} leaves`);
    }
    const range = new CompactRange();
    range.#size = size;
    range.#stack.push(...hashes);
    return range;
  }

  get size(): number {
    return this.#size;
  }

  get hashes(): readonly Hash[] {
    return this.#stack;
  }

  /** @param completed hears of every subtree of two or more leaves that this leaf completes. */
  append(leaf: Hash, completed?: (subtree: Subtree, root: Hash) => void): void {
    let index = this.#size;
    let top = leaf;
    for (let height = 1; index % 2 === 1; height++) {
      top = nodeHash(this.#stack.pop()!, top);
      index = (index - 1) / 2;
      completed?.({ height, index }, top);
    }
    this.#stack.push(top);
    this.#size++;
  }

  root(): Hash {
    return foldRight(this.#stack) ?? EMPTY_ROOT;
  }
}

/** Joins the roots of neighbouring subtrees, the smallest (rightmost) first. */
function foldRight(roots: readonly Hash[]): Hash | undefined {
  return roots.length === 0
    ? undefined
    : roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), roots.at(-1)!);
}

/** The leaves from `from` to before `to`. Its root is one element of a proof. */
export interface LeafRange {
  from: number;
  to: number;
}

/** The largest complete subtrees that make up a range, left to right. */
export function completeSubtrees(from: number, to: number): Subtree[] {
  const found: Subtree[] = [];
  let at = from;
  while (at < to) {
    let height = 0;
    while (at % 2 ** (height + 1) === 0 && at + 2 ** (height + 1) <= to) height++;
    found.push({ height, index: at / 2 ** height });
    at += 2 ** height;
  }
  return found;
}

/** The root of a range as proofs use it, from the roots of its complete subtrees. @throws RangeError for none. */
export function rootOfSubtrees(roots: readonly Hash[]): Hash {
  const root = foldRight(roots);
  if (root === undefined) throw new RangeError('the root of no subtree');
  return root;
}

/**
 * Which ranges' roots prove that leaf `index` is in the tree of the first `size` leaves, in the order of RFC 9162
 * section 2.1.3.1.
 */
export function inclusionPath(index: number, size: number): LeafRange[] {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`leaf ${index} of a tree of ${size}`);
  }
  const path: LeafRange[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + split(to - from);
    if (index < middle) {
      path.push({ from: middle, to });
      to = middle;
    } else {
      path.push({ from, to: middle });
      from = middle;
    }
  }
  return path.toReversed();
}

/**
 * Which ranges' roots prove that the tree of the first `older` leaves is a prefix of the tree of `newer`, in the order
 * of RFC 9162 section 2.1.4.1. Empty when the sizes are equal. An empty tree is a prefix of all and proves nothing.
 */
export function consistencyPath(older: number, newer: number): LeafRange[] {
  if (!Number.isSafeInteger(older) || !Number.isSafeInteger(newer) || older < 1 || older > newer) {
    throw new RangeError(`consistency of ${older} with ${newer}`);
  }
  const path: LeafRange[] = [];
  let from = 0;
  let to = newer;
  while (older !== to) {
    const middle = from + split(to - from);
    if (older <= middle) {
      path.push({ from: middle, to });
      to = middle;
    } else {
      path.push({ from, to: middle });
      from = middle;
    }
  }
  // The older tree's own root is known to the verifier, so it is left out where it is a node of the newer tree.
  if (from > 0) path.push({ from, to });
  return path.toReversed();
}

/** The largest power of two below n, for n > 1. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** The roots of the ranges of a proof, from the leaves themselves. For trees that fit in memory. */
export function rootsOf(path: readonly LeafRange[], leaves: readonly Hash[]): Hash[] {
  return path.map(({ from, to }) => rootOf(leaves.slice(from, to)));
}

/** Whether `path` proves that `leaf` stands at `index` of the tree with that size and root (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(
  claim: { leaf: Hash; index: number; size: number; root: Hash },
  path: readonly Hash[],
): boolean {
  const { index, size } = claim;
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  if (!isHash(claim.leaf) || !path.every(isHash)) return false;
  let fn = index;
  let sn = size - 1;
  let hashed = claim.leaf;
  for (const sibling of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hashed = nodeHash(sibling, hashed);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      hashed = nodeHash(hashed, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && hashed === claim.root;
}

export interface TreeHead {
  size: number;
  root: Hash;
}

/**
 * Whether `path` proves that the newer tree only appended to the older (RFC 9162 section 2.1.4.2). An empty older tree
 * proves nothing about the newer and is refused, as the reference code does.
 */
export function verifyConsistency(older: TreeHead, newer: TreeHead, path: readonly Hash[]): boolean {
  if (!Number.isSafeInteger(older.size) || !Number.isSafeInteger(newer.size)) return false;
  if (older.size < 1 || older.size > newer.size || !path.every(isHash)) return false;
  if (!isHash(older.root) || !isHash(newer.root)) return false;
  if (older.size === newer.size) return path.length === 0 && older.root === newer.root;
  const steps = isPowerOfTwo(older.size) ? [older.root, ...path] : [...path];
  const first = steps.shift();
  if (first === undefined) return false;
  let fn = older.size - 1;
  let sn = newer.size - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let olderRoot = first;
  let newerRoot = first;
  for (const step of steps) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      olderRoot = nodeHash(step, olderRoot);
      newerRoot = nodeHash(step, newerRoot);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      newerRoot = nodeHash(newerRoot, step);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && olderRoot === older.root && newerRoot === newer.root;
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n)) && 2 ** Math.log2(n) === n;
}
