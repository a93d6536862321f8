import { z } from 'zod';
import { refusal, type Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { readStrictJson } from '../../../kernel/strict-json.ts';
import { SECOND } from '../../../kernel/time.ts';
import type { Polled, PollRequest } from '../../../domain/exposures/source.ts';
import type { Outbound } from '../../../platform/http/outbound.ts';
import { errorOf } from './set-errors.ts';

/** Tokens of one answer. */
const MOST = 50;
const MAX_BYTES = 8 * 1024 * 1024;

const answerSchema = z.object({
  sets: z.record(z.string().min(1).max(200), z.string().max(1024 * 1024)).default({}),
  moreAvailable: z.boolean().default(false),
});

/** One question by RFC 8936: tells what was done with the tokens of the last answer, and asks for further ones. */
export async function pollOnce(
  outbound: Outbound,
  { settings, token, signal, done, refused, last }: PollRequest,
): Promise<Result<Polled, Refusal>> {
  const { pollUrl } = settings;
  if (typeof pollUrl !== 'string')
    return err(refusal('precondition', 'source-poll-url-missing', 'The source has no address to ask.'));
  const setErrs = Object.fromEntries(
    Object.entries(refused).map(([jti, why]) => [
      jti,
      errorOf(why) ?? { err: 'invalid_request', description: why.message },
    ]),
  );
  const answer = await outbound.request({
    method: 'POST',
    url: pollUrl,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token
        ? { authorization: token.use((text) => (text.includes(' ') ? text : `Bearer ${text}`)) }
        : {}),
    },
    body: JSON.stringify({
      maxEvents: last ? 0 : MOST,
      returnImmediately: true,
      ...(done.length > 0 ? { ack: done } : {}),
      ...(Object.keys(setErrs).length > 0 ? { setErrs } : {}),
    }),
    timeout: 20 * SECOND,
    maxBytes: MAX_BYTES,
    signal,
    ...(token ? { secrets: [token] } : {}),
  });
  if (!answer.ok)
    return err(
      refusal('unavailable', 'source-poll-unreachable', `The transmitter did not answer: ${answer.why}.`),
    );
  if (answer.status !== 200) {
    const kind = answer.status === 429 || answer.status >= 500 ? 'unavailable' : 'forbidden';
    return err(refusal(kind, 'source-poll-refused', `The transmitter answered ${answer.status}.`));
  }
  const parsed = readStrictJson(answer.body, { depth: 8, items: 2000 });
  const read = parsed.ok ? answerSchema.safeParse(parsed.value) : undefined;
  if (!read?.success)
    return err(refusal('unavailable', 'source-poll-unreadable', 'The transmitter’s answer cannot be read.'));
  const deliveries = Object.entries(read.data.sets).map(([id, set]) => ({
    id,
    delivery: { headers: { 'content-type': 'application/secevent+jwt' }, body: Buffer.from(set, 'latin1') },
  }));
  return ok({ deliveries, more: read.data.moreAvailable });
}
