import { Injectable } from '@nestjs/common';
import { Secret } from '../../kernel/secret.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { ClaimedSignal } from './delivery-claims.service.ts';
import { SetSigner } from './set-signer.service.ts';
import { signaturesOf } from './signature.rules.ts';
import { authBinding, SubscriptionSecrets, urlBinding } from './subscription-secrets.ts';
import { messageIdOf } from './subscriptions.queries.ts';

/** One message as it goes over the wire. */
export interface Message {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Masked in whatever is kept of the exchange. */
  secrets: Secret[];
}

/** Makes the messages of each kind of subscription. */
@Injectable()
export class MessageForms {
  constructor(
    private readonly secrets: SubscriptionSecrets,
    private readonly signer: SetSigner,
    private readonly transactions: Transactions,
  ) {}

  async of(one: ClaimedSignal, by: Principal, now: Millis): Promise<Message> {
    const url = await this.secrets.open(by, one.urlRef, urlBinding(one.subscriptionId));
    const form = one.kind === 'set-push' ? await this.#set(one, by) : await this.#webhook(one, by, now);
    return {
      ...form,
      url: url.use((text) => text),
      // The address as a whole is no secret worth masking; what it carries behind the question mark is.
      secrets: [...form.secrets, ...queryOf(url)],
    };
  }

  /** Standard Webhooks 1.0.0: the id stays, the time is that of the attempt. */
  async #webhook(one: ClaimedSignal, by: Principal, now: Millis): Promise<Omit<Message, 'url'>> {
    const id = messageIdOf(one.id);
    const timestamp = Math.floor(now / SECOND);
    const body = JSON.stringify({ type: one.type, timestamp: one.occurredAt.toISOString(), data: one.data });
    const keys = await this.secrets.signingKeys(by, one.subscriptionId, one.keyRefs, now);
    if (keys.length === 0) throw new Error('no key signs');
    return {
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signaturesOf(keys, id, timestamp, body),
      },
      body,
      secrets: keys.map(({ key }) => key),
    };
  }

  /** RFC 8935: the token alone is the body. */
  async #set(one: ClaimedSignal, by: Principal): Promise<Omit<Message, 'url'>> {
    const authorization =
      one.authRef === null ? null : await this.secrets.open(by, one.authRef, authBinding(one.subscriptionId));
    const token = await this.transactions.run(by, (db) => this.signer.token(db, one));
    return pushOf(token, authorization);
  }
}

/** A token as it is pushed. */
export function pushOf(token: string, authorization: Secret | null): Omit<Message, 'url'> {
  return {
    headers: {
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      ...(authorization ? { authorization: authorization.use((text) => text) } : {}),
    },
    body: token,
    secrets: authorization ? [authorization] : [],
  };
}

/** What an address carries behind the question mark. */
export function queryOf(url: Secret): Secret[] {
  return url.use((text) =>
    [...new URL(text).searchParams.values()]
      .filter((value) => value.length >= 8)
      .map((value) => Secret.of(value)),
  );
}
