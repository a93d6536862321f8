import { Injectable } from '@nestjs/common';
import type { Channel, DeliveryAnswer, OutgoingMessage } from '../../../domain/notices/channel.ts';
import { EndpointPosts } from '../../../domain/signals/endpoint-posts.service.ts';
import { verdictOf } from '../../../domain/signals/signal.rules.ts';
import type { Millis } from '../../../kernel/time.ts';
import { retryAfter } from '../../../platform/http/answer-table.rules.ts';

/** Characters, so that the message stays under 20 kB whatever the script. */
const MOST_TEXT = 5000;

/**
 * A notice to an endpoint of the party, by Standard Webhooks with the endpoint's own keys: the address is
 * `endpoint:<id of the subscription>`. Other than a signal it is a duty, so its attempts are those of the notice.
 */
@Injectable()
export class StandardWebhooksChannel implements Channel {
  readonly key = 'standard-webhooks';
  readonly title = 'Signed webhook';

  constructor(private readonly endpoints: EndpointPosts) {}

  accepts(address: string): boolean {
    return this.endpoints.endpointOf(address) !== undefined;
  }

  async send(
    message: OutgoingMessage,
    call: { signal: AbortSignal; now(): Millis },
  ): Promise<DeliveryAnswer> {
    const id = this.endpoints.endpointOf(message.to);
    if (id === undefined || message.partyId === undefined)
      return { outcome: 'refused', peerAnswer: 'the address names no endpoint' };
    const answer = await this.endpoints.post(
      id,
      message.partyId,
      {
        // A full stop would move the borders of what is signed.
        id: message.messageId.replaceAll('.', '_'),
        type: 'notice.sent',
        data: {
          messageId: message.messageId,
          subject: message.subject.replace(/\s+/g, ' '),
          text: message.text.slice(0, MOST_TEXT).toWellFormed(),
          language: message.language,
        },
      },
      call.signal,
    );
    if (!answer) return { outcome: 'refused', peerAnswer: 'the endpoint is not there, or not enabled' };
    if (!answer.ok) {
      const peerAnswer = answer.why.slice(0, 500);
      return { outcome: answer.sent ? 'unknown' : 'retry', peerAnswer };
    }
    const peerAnswer = `${answer.status} ${answer.record.extract}`.trim().slice(0, 500);
    const after = retryAfter(answer.headers, call.now());
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
}
