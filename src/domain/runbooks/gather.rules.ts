import type { Millis } from '../../kernel/time.ts';

/** With fewer steps in hand each result is written at once. */
const MANY = 200;
/** So many results are worth a transaction, whenever the last one was. */
const ENOUGH = 100;
/** How long after the last transaction the next one begins, where more results are about to come. */
const GATHER: Millis = 80;
/** The same where a lane has nothing to do meanwhile. */
const PRESSED: Millis = 30;

/**
 * How long the results that are there wait for others. A transaction costs the same for one as for fifty: where hundreds
 * of steps are under way, few large ones leave the machine to the calls.
 *
 * @param o.inHand  steps that this process runs
 * @param o.answers  results that are to be written
 * @param o.pressing  a lane has nothing to do until one of them is written
 * @param o.since  milliseconds since the last transaction began
 */
export function gatherFor(o: { inHand: number; answers: number; pressing: boolean; since: Millis }): Millis {
  if (o.inHand < MANY || o.answers >= ENOUGH) return 0;
  return Math.max(0, (o.pressing ? PRESSED : GATHER) - o.since);
}
