import { Injectable } from '@nestjs/common';
import type { Channel, DeliveryAnswer, OutgoingMessage } from '../../../domain/notices/channel.ts';
import { EndpointPosts } from '../../../domain/signals/endpoint-posts.service.ts';
import type { Millis } from '../../../kernel/time.ts';
import { deliveryOf, noticeData } from '../../vendors/party-endpoint/party-endpoint.ts';

/**
 * A notice to an endpoint of the party, by Standard Webhooks with the endpoint's own keys: the address is
 * `endpoint:<id of the subscription>`. Other than a signal it is a duty, so its attempts are those of the notice.
 */
@Injectable()
export class StandardWebhooksChannel implements Channel {
  readonly key = 'standard-webhooks';
  readonly title = 'Signed webhook';
  readonly readByMachines = true;

  constructor(private readonly endpoints: EndpointPosts) {}

  accepts(address: string): boolean {
    return this.endpoints.endpointOf(address) !== undefined;
  }

  async isThere(address: string, partyId: string): Promise<boolean> {
    const id = this.endpoints.endpointOf(address);
    return id !== undefined && this.endpoints.isOf(partyId, id, 'webhook');
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
        data: noticeData(message),
      },
      call.signal,
    );
    if (!answer) return { outcome: 'refused', peerAnswer: 'the endpoint is not there, or not enabled' };
    return deliveryOf(answer, call.now());
  }
}
