import type { DeliveryAnswer, OutgoingMessage } from '../../../domain/notices/channel.ts';
import type { Held } from '../../../domain/signals/endpoint-posts.service.ts';
import { isUnwanted } from '../../../domain/signals/set.rules.ts';
import { verdictOf } from '../../../domain/signals/signal.rules.ts';
import { iso, type Millis } from '../../../kernel/time.ts';
import { retryAfter } from '../../../platform/http/answer-table.rules.ts';
import type { OutboundAnswer } from '../../../platform/http/outbound.ts';

/** Characters, so that the message stays under 20 kB whatever the script. */
const MOST_TEXT = 5000;

/** A notice as an endpoint of the party reads it. */
export function noticeData(message: OutgoingMessage): Record<string, string> {
  return {
    messageId: message.messageId,
    subject: message.subject.replace(/\s+/g, ' '),
    text: message.text.slice(0, MOST_TEXT).toWellFormed(),
    language: message.language,
  };
}

/**
 * What the answer of such an endpoint means for the notice.
 *
 * @param isToken the message was a Security Event Token: a 400 says in its body whether it will ever be taken
 */
export function deliveryOf(
  answer: OutboundAnswer | Held,
  now: Millis,
  { isToken = false }: { isToken?: boolean } = {},
): DeliveryAnswer {
  if ('held' in answer) {
    const peerAnswer = `nothing was sent: the endpoint fails, and is tried next at ${iso(answer.held)}`;
    return { outcome: 'retry', peerAnswer, after: Math.max(0, answer.held - now) };
  }
  if (!answer.ok) {
    const peerAnswer = answer.why.slice(0, 500);
    return { outcome: answer.sent ? 'unknown' : 'retry', peerAnswer };
  }
  const peerAnswer = `${answer.status} ${answer.record.extract}`.trim().slice(0, 500);
  const after = retryAfter(answer.headers, now);
  if (isToken && answer.status === 400)
    return { outcome: isUnwanted(answer.body) ? 'refused' : 'retry', peerAnswer };
  switch (verdictOf({ status: answer.status, retryAfter: after })) {
    case 'delivered':
      return { outcome: 'accepted', peerAnswer };
    case 'gone':
    case 'refused':
      return { outcome: 'refused', peerAnswer };
    case 'busy':
      return { outcome: 'retry', peerAnswer, ...(after === undefined ? {} : { after }) };
    case 'failed':
      // What is wrong with the request stays wrong; what is wrong with the peer may end.
      return { outcome: answer.status >= 500 ? 'retry' : 'refused', peerAnswer };
  }
}
