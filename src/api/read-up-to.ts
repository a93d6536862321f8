import { Refused, refusal, type Refusal } from '../kernel/errors.ts';
import type { Millis } from '../kernel/time.ts';

/** To nobody, mostly: whoever sent it has gone. It is no fault of ours, and no bug. */
export const BROKEN_OFF: Refusal = refusal(
  'invalid',
  'body-broken-off',
  'The body broke off before its end.',
  { fields: [{ field: 'body', problem: 'broke off before its end', mend: 'Send it again, to its end.' }] },
);

/** Whoever lets a body drip holds a place of ours for nothing. */
export const TOO_SLOW: Refusal = refusal('invalid', 'too-slow', 'The body took too long to arrive.', {
  fields: [{ field: 'body', problem: 'took too long to arrive', mend: 'Send it again, faster.' }],
});

/**
 * @param within  how long it may take to arrive, from now
 * @returns null when there is more than the limit
 * @throws Refused when it ends before its end, or takes too long; then the rest of it is never read, and the answer closes
 *         the connection
 */
export async function readUpTo(
  stream: AsyncIterable<Buffer> | undefined,
  limit: number,
  within: Millis,
): Promise<Buffer | null> {
  if (!stream) return Buffer.alloc(0);
  const chunks: Buffer[] = [];
  let size = 0;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), within)));
  const source = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const coming = source.next();
      const next = await Promise.race([coming, late]);
      if (next === 'late') {
        // Its end would destroy the connection before the answer is out: it is left as it is, and ends with the answer.
        coming.catch(() => undefined);
        throw new Refused(TOO_SLOW);
      }
      if (next.done) return Buffer.concat(chunks);
      size += next.value.length;
      if (size > limit) {
        await source.return?.();
        return null;
      }
      chunks.push(next.value);
    }
  } catch (thrown) {
    throw thrown instanceof Refused ? thrown : new Refused(BROKEN_OFF);
  } finally {
    clearTimeout(timer);
  }
}
