import { ELAPSED_DAY } from '../../kernel/time.ts';

// How long each class of what feeds report is kept. What concerns a version in an open incident is kept until it closes.

/** The facts of a use: which version, when, where, whether it was accepted. */
export const KEEP_EVENTS = 400 * ELAPSED_DAY;
/** What points at a person: the actor, and the pseudonym of the address. */
export const KEEP_PERSONAL = 90 * ELAPSED_DAY;
/** Counts by slot, which only serve to see bursts. */
export const KEEP_SLOTS = 8 * ELAPSED_DAY;
