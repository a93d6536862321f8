import { createHmac, randomUUID } from 'node:crypto';
import { request } from 'undici';
import { Refuse } from '../ground/server.ts';
import { viewOf } from './alert-book.ts';
import type { AlertBook, Delivery } from './alert-book.ts';
import { deliveryBody } from './payloads.ts';
import type { DeliveryAttempt, DeliveryOrder, DeliveryView } from './schema.ts';

/** GitHub counts a delivery as failed when no 2xx came within this time. */
const ANSWER_MS = 10_000;

/** `sha256=` and lower-case hex HMAC-SHA256 over the raw body: GitHub's `X-Hub-Signature-256`. */
export const signatureOf = (secret: string, body: Buffer | string): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

/** Sends signed deliveries. Nothing is sent twice unless somebody asks, as at GitHub. */
export class Webhooks {
  constructor(
    private readonly book: AlertBook,
    private readonly origin: string,
  ) {}

  async send(order: DeliveryOrder): Promise<DeliveryView> {
    const hook = this.hook();
    const alert = this.book.alert(order.owner, order.repo, order.number);
    if (!alert) throw new Refuse(404, { error: 'no such alert' });
    if (order.event === 'secret_scanning_alert_location' && !alert.locations[order.location]) {
      throw new Refuse(404, { error: 'no such location' });
    }
    const secret = order.withSecret ? this.book.secretOf(alert) : null;
    const text = JSON.stringify(deliveryBody(this.origin, alert, { ...order, secret }));
    const signature =
      order.spoil === 'unsigned'
        ? null
        : signatureOf(order.spoil === 'signature' ? `${hook.secret}, but wrong` : hook.secret, text);
    const delivery = await this.book.keepDelivery(
      {
        guid: order.guid ?? randomUUID(),
        event: order.event,
        action: order.action,
        alert: `${alert.owner}/${alert.repo}#${alert.number}`,
        withSecret: order.withSecret,
      },
      order.spoil === 'body' ? text.replace('"created_at"', '"created_on"') : text,
      signature,
    );
    return this.attempt(delivery, false);
  }

  /** The same bytes under the same delivery id, to wherever the webhook points now. */
  async redeliver(guid: string): Promise<DeliveryView> {
    const delivery = this.book.delivery(guid);
    if (!delivery) throw new Refuse(404, { error: 'no such delivery' });
    return this.attempt(delivery, true);
  }

  private hook(): { url: string; secret: string } {
    const hook = this.book.hook();
    if (!hook) throw new Refuse(409, { error: 'no webhook is configured' });
    return hook;
  }

  private async attempt(delivery: Delivery, redelivery: boolean): Promise<DeliveryView> {
    const hook = this.hook();
    const body = this.book.bodyOf(delivery);
    const startedAt = Date.now();
    const attempt: DeliveryAttempt = {
      at: startedAt,
      redelivery,
      status: null,
      failure: null,
      milliseconds: 0,
      answer: '',
    };
    try {
      const answer = await request(hook.url, {
        method: 'POST',
        headers: {
          accept: '*/*',
          'content-type': 'application/json',
          'user-agent': 'GitHub-Hookshot/044aadd',
          'x-github-delivery': delivery.guid,
          'x-github-event': delivery.event,
          'x-github-hook-id': '471822093',
          'x-github-hook-installation-target-id': '160217845',
          'x-github-hook-installation-target-type': 'organization',
          ...(delivery.signature ? { 'x-hub-signature-256': delivery.signature } : {}),
        },
        body,
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      attempt.status = answer.statusCode;
      attempt.answer = await beginning(answer.body);
    } catch (error) {
      attempt.failure = (error as Error).message;
    }
    attempt.milliseconds = Date.now() - startedAt;
    await this.book.keepAttempt(delivery.guid, attempt);
    return viewOf(this.book.delivery(delivery.guid) ?? delivery);
  }
}

async function beginning(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString('utf8');
    if (text.length >= 2_000) break;
  }
  return text.slice(0, 2_000);
}
