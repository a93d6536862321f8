import { Refused, refusal, type Refusal } from '../kernel/errors.ts';

/** To nobody, mostly: whoever sent it has gone. It is no fault of ours, and no bug. */
export const BROKEN_OFF: Refusal = refusal(
  'invalid',
  'body-broken-off',
  'The body broke off before its end.',
  { fields: [{ field: 'body', problem: 'broke off before its end', mend: 'Send it again, to its end.' }] },
);

/**
 * @returns null when there is more than the limit
 * @throws Refused when it ends before its end
 */
export async function readUpTo(
  stream: AsyncIterable<Buffer> | undefined,
  limit: number,
): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream ?? []) {
      size += chunk.length;
      if (size > limit) return null;
      chunks.push(chunk);
    }
  } catch {
    throw new Refused(BROKEN_OFF);
  }
  return Buffer.concat(chunks);
}
