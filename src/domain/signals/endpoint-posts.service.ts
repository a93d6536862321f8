import { Injectable } from '@nestjs/common';
import { isId, type Id } from '../../kernel/ids.ts';
import { system } from '../../kernel/principal.ts';
import { type Secret } from '../../kernel/secret.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Outbound, type OutboundAnswer } from '../../platform/http/outbound.ts';
import { DeliveryRecords } from './delivery-records.ts';
import { pushOf, queryOf } from './message-forms.ts';
import { answerOf } from './sender.ts';
import { SetSigner } from './set-signer.service.ts';
import { noticeClaimsOf } from './set.rules.ts';
import { signaturesOf } from './signature.rules.ts';
import { TIMEOUT } from './signal.rules.ts';
import { authBinding, SubscriptionSecrets, urlBinding } from './subscription-secrets.ts';
import { subscriptionRow, type SubscriptionRow } from './subscriptions.queries.ts';

const MOST_BYTES = 64 * 1024;
const FORM = /^endpoint:([0-9a-f-]{36})$/;
const STREAM_FORM = /^stream:([0-9a-f-]{36})$/;

/** The circuit of the endpoint is open: nothing was sent. */
export interface Held {
  held: Millis;
}

/** Sends something that is no signal to an endpoint that subscribed: a notice, signed with the endpoint's own keys. */
@Injectable()
export class EndpointPosts {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly secrets: SubscriptionSecrets,
    private readonly outbound: Outbound,
    private readonly signer: SetSigner,
    private readonly records: DeliveryRecords,
  ) {}

  /** The endpoint that `endpoint:<id>` names; undefined where it has another form. */
  endpointOf(address: string): Id | undefined {
    const id = FORM.exec(address)?.[1];
    return isId(id) ? id : undefined;
  }

  /** The stream that `stream:<id>` names; undefined where it has another form. */
  streamOf(address: string): Id | undefined {
    const id = STREAM_FORM.exec(address)?.[1];
    return isId(id) ? id : undefined;
  }

  /** Whether that party has such an endpoint, or such a stream that is pushed: what could carry a notice. */
  async isOf(partyId: Id, id: Id, kind: 'webhook' | 'set-push'): Promise<boolean> {
    const row = await this.transactions.run(system('signals', 'is-of'), (db) => subscriptionRow(db, id));
    return row?.party_id === partyId && row.kind === kind;
  }

  /**
   * Pushes a notice as a Security Event Token (RFC 8935). A stream that is polled cannot carry one: whether it was taken
   * is known only when somebody asks.
   *
   * @returns undefined where that party has no such stream, or it is not enabled or not pushed
   */
  async push(
    id: Id,
    partyId: Id,
    notice: { jti: string; data: Record<string, unknown> },
    signal: AbortSignal,
  ): Promise<OutboundAnswer | Held | undefined> {
    const at = this.clock.now();
    const made = await this.transactions.run(system('signals', 'push'), async (db) => {
      const row = await subscriptionRow(db, id);
      if (!row || row.party_id !== partyId || row.kind !== 'set-push' || row.state !== 'enabled')
        return undefined;
      if (row.url_ref === null) return undefined;
      const held = heldOf(row, at);
      if (held) return held;
      const url = await this.secrets.open(db, row.url_ref, urlBinding(id));
      const authorization =
        row.auth_ref === null ? null : await this.secrets.open(db, row.auth_ref, authBinding(id));
      const facts = { ...notice, streamId: id, partyId, settings: row.settings, at };
      const token = await this.signer.sign(db, noticeClaimsOf(facts, this.signer.issuer()));
      return { url, form: pushOf(token, authorization) };
    });
    if (!made || 'held' in made) return made;
    const answered = await this.outbound.request({
      method: 'POST',
      url: made.url.use((text) => text),
      headers: made.form.headers,
      body: made.form.body,
      timeout: TIMEOUT,
      maxBytes: MOST_BYTES,
      signal,
      secrets: [...made.form.secrets, ...queryOf(made.url)],
    });
    return this.#heard(id, partyId, answered, true);
  }

  /** @returns undefined where that party has no such endpoint, or it is not enabled */
  async post(
    id: Id,
    partyId: Id,
    message: { id: string; type: string; data: Record<string, unknown> },
    signal: AbortSignal,
  ): Promise<OutboundAnswer | Held | undefined> {
    const now = this.clock.now();
    const made = await this.transactions.run(system('signals', 'post'), async (db) => {
      const row = await subscriptionRow(db, id);
      if (!row || row.party_id !== partyId || row.kind !== 'webhook' || row.state !== 'enabled')
        return undefined;
      if (row.url_ref === null) return undefined;
      const held = heldOf(row, now);
      if (held) return held;
      const url: Secret = await this.secrets.open(db, row.url_ref, urlBinding(id));
      return { url, keys: await this.secrets.signingKeys(db, id, row.key_refs, now) };
    });
    if (made && 'held' in made) return made;
    if (!made || made.keys.length === 0) return undefined;
    const timestamp = Math.floor(now / SECOND);
    const body = JSON.stringify({
      type: message.type,
      timestamp: new Date(now).toISOString(),
      data: message.data,
    });
    const answered = await this.outbound.request({
      method: 'POST',
      url: made.url.use((text) => text),
      headers: {
        'content-type': 'application/json',
        'webhook-id': message.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signaturesOf(made.keys, message.id, timestamp, body),
      },
      body,
      timeout: TIMEOUT,
      maxBytes: MOST_BYTES,
      signal,
      secrets: made.keys.map(({ key }) => key),
    });
    return this.#heard(id, partyId, answered, false);
  }

  /** What the endpoint answers to a notice says of the endpoint what its answer to a signal says. */
  async #heard(
    subscriptionId: Id,
    partyId: Id,
    answered: OutboundAnswer,
    isToken: boolean,
  ): Promise<OutboundAnswer> {
    const now = this.clock.now();
    const by = system('signals', 'heard');
    const answer = answerOf(answered, isToken, now);
    await this.transactions.run(by, (db) =>
      this.records.hear(db, by, [{ subscriptionId, partyId, answer }], now),
    );
    return answered;
  }
}

/** While the circuit is open nothing goes there: other ways are taken at once. */
function heldOf(row: SubscriptionRow, now: Millis): Held | undefined {
  const until = row.held_until?.getTime() ?? 0;
  return until > now ? { held: until } : undefined;
}
