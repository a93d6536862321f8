/** Steps that one process runs at once, over all lanes. */
export const MOST_IN_HAND = 1500;

/**
 * How many steps more a process may claim in a lane: `depth` for each that may run at once. Of all that a process may have
 * in hand no lane takes so much that another one which is ready stays idle, and none is held below what may run at once.
 *
 * @param o.concurrency  how many may run at once
 * @param o.running  how many were claimed and have not ended
 * @param o.lanes  how many lanes have ready steps, this one among them
 */
export function laneRoom(o: { concurrency: number; depth: number; running: number; lanes: number }): number {
  const share = Math.max(o.concurrency, Math.floor(MOST_IN_HAND / o.lanes));
  return Math.max(0, Math.min(o.concurrency * o.depth, share) - o.running);
}
