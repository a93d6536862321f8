/** By whose hands a copy came to be somebody's. null: an import, or nobody knows any more. */
export interface Ownership {
  /** Who named the owner of the copy. */
  namedBy: string | null;
  /** Who said at which address that owner is reached, where that alone says who the owner is. */
  addressedBy: string | null;
}

/**
 * Whether an owner's word about their copy is one of two: theirs, and that of whoever made them its owner. Whoever named
 * themselves could otherwise take the way of an owner about any copy, alone.
 *
 * @param personId who gives the word
 */
export function ownerWordCounts({ namedBy, addressedBy }: Ownership, personId: string): boolean {
  return namedBy !== personId && addressedBy !== personId;
}
