import { Injectable } from '@nestjs/common';
import type { Channel, DeliveryAnswer, OutgoingMessage } from '../../../domain/notices/channel.ts';
import { EndpointPosts } from '../../../domain/signals/endpoint-posts.service.ts';
import type { Millis } from '../../../kernel/time.ts';
import { deliveryOf, noticeData } from '../../vendors/party-endpoint/party-endpoint.ts';

/**
 * A notice as a Security Event Token, pushed to a stream of the party: the address is `stream:<id of the stream>`. Its
 * `jti` is the notice's message id, so that a receiver knows a double.
 */
@Injectable()
export class SetChannel implements Channel {
  readonly key = 'set';
  readonly title = 'Security Event Token';
  readonly readByMachines = true;

  constructor(private readonly endpoints: EndpointPosts) {}

  accepts(address: string): boolean {
    return this.endpoints.streamOf(address) !== undefined;
  }

  async isThere(address: string, partyId: string): Promise<boolean> {
    const id = this.endpoints.streamOf(address);
    return id !== undefined && this.endpoints.isOf(partyId, id, 'set-push');
  }

  async send(
    message: OutgoingMessage,
    call: { signal: AbortSignal; now(): Millis },
  ): Promise<DeliveryAnswer> {
    const id = this.endpoints.streamOf(message.to);
    if (id === undefined || message.partyId === undefined)
      return { outcome: 'refused', peerAnswer: 'the address names no stream' };
    const notice = { jti: message.messageId, data: noticeData(message) };
    const answer = await this.endpoints.push(id, message.partyId, notice, call.signal);
    if (!answer)
      return { outcome: 'refused', peerAnswer: 'the stream is not there, not pushed, or not enabled' };
    return deliveryOf(answer, call.now(), { isToken: true });
  }
}
