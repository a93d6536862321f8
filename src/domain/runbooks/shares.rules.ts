import type { Millis } from '../../kernel/time.ts';

/** How long a lane may be ready at a peer's share before whoever is there takes it. */
export const SHARE_PATIENCE: Millis = 1000;

/**
 * Which lanes with a limit a worker may begin with. Each lane is best worked off by one process, which then can have several
 * of its steps in hand; so lanes are shared out evenly over the workers that live, and what a worker has in hand it keeps.
 *
 * @param lanes  the ready lanes that have a limit
 * @param readyFor  how long each was seen ready without a step of it in hand here
 */
export function shareOf(o: {
  lanes: readonly string[];
  workers: readonly string[];
  worker: string;
  inHand: (lane: string) => boolean;
  readyFor: (lane: string) => Millis;
}): ReadonlySet<string> {
  const workers = [...o.workers].sort();
  const lanes = [...o.lanes].sort();
  return new Set(
    lanes.filter(
      (lane, n) =>
        workers.length < 2 ||
        o.inHand(lane) ||
        workers[n % workers.length] === o.worker ||
        o.readyFor(lane) >= SHARE_PATIENCE,
    ),
  );
}
