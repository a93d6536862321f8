import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import type {
  Abilities,
  Call,
  Capability,
  Connector,
  ProbeAnswer,
  Revocability,
  RevokeAnswer,
  SessionsAnswer,
  Target,
} from '../../../domain/revocation/connector.ts';
import { iso, SECOND } from '../../../kernel/time.ts';
import { shownOf } from '../../../platform/http/client-certificate.ts';
import { Outbound } from '../../../platform/http/outbound.ts';

const TIMEOUT = 15 * SECOND;
const MAX_BYTES = 64 * 1024;
/** About the way there, the time or the load: never about the signature. */
const SAYS_NOTHING: ReadonlySet<number> = new Set([404, 405, 408, 409, 410, 413, 425, 429]);

export const webhookSecretSettings = z.strictObject({
  /** Below the base URL. */
  path: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*$/, 'must be a path')
    .default(''),
  /** What a test event is called: one that the receiver acts upon in no way. */
  eventType: z
    .string()
    .regex(/^[a-z0-9_.-]{1,100}$/i, 'must be the name of an event')
    .default('countersign.test'),
  /** `base64`: as Standard Webhooks writes secrets, `whsec_…`. `raw`: the text itself is the key. */
  secretFormat: z.enum(['base64', 'raw']).default('base64'),
  /** What the receiver answers to an event whose signature it does not accept. */
  refusedWith: z
    .array(
      z
        .int()
        .min(400)
        .max(499)
        .refine((status) => !SAYS_NOTHING.has(status), 'says nothing about a signature'),
    )
    .min(1)
    .default([401, 403]),
  /** What a person has to do so that the receiver no longer accepts the old secret. */
  instructions: z.string().min(1).max(2000),
});

export type WebhookSecretSettings = z.infer<typeof webhookSecretSettings>;

/**
 * The secret that webhooks are signed with (Standard Webhooks 1.0). Its receiver verifies, so that only the receiver's
 * refusal of a test event is its death, and only while an event signed with the secret in use (the control) is accepted.
 */
@Injectable()
export class WebhookSecretConnector implements Connector<WebhookSecretSettings> {
  readonly key = 'webhook-secret';
  readonly title = 'Webhook signing secret, tried at its receiver';
  readonly settings = webhookSecretSettings;
  readonly capabilities: readonly Capability[] = ['probe', 'endSessions'];
  readonly mutualTls = true;

  constructor(private readonly outbound: Outbound) {}

  revocability(): Revocability {
    return 'manual';
  }

  abilities(): Abilities {
    return { revoke: 'no', probe: 'value', ownAuthentication: false, endSessions: true, issue: 'no' };
  }

  revoke(target: Target<WebhookSecretSettings>): Promise<RevokeAnswer> {
    return Promise.resolve({ outcome: 'manual', instructions: target.settings.instructions });
  }

  async probe(target: Target<WebhookSecretSettings>, call: Call): Promise<ProbeAnswer> {
    const { value, settings } = target;
    if (!value)
      return {
        verdict: 'indeterminate',
        why: 'the secret, which the event is signed with, is not at hand',
        exchange: null,
      };
    const now = call.now();
    // An id of its own each time: receivers refuse an event that they have seen.
    const id = `msg_${randomUUID()}`;
    const body = JSON.stringify({ type: settings.eventType, timestamp: iso(now), data: {} });
    let signature: string;
    try {
      signature = value.use((secret) =>
        new Webhook(secret, settings.secretFormat === 'raw' ? { format: 'raw' } : undefined).sign(
          id,
          new Date(now),
          body,
        ),
      );
    } catch {
      return {
        verdict: 'indeterminate',
        why: `the secret is not in the form that is set for it (${settings.secretFormat})`,
        exchange: null,
      };
    }
    const answer = await this.outbound.request({
      method: 'POST',
      url: target.baseUrl.replace(/\/$/, '') + settings.path,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now / 1000)),
        'webhook-signature': signature,
      },
      body,
      timeout: TIMEOUT,
      maxBytes: MAX_BYTES,
      signal: call.signal,
      shown: shownOf(target.auth),
      secrets: [value],
    });
    const exchange = answer.record;
    if (!answer.ok)
      return { verdict: 'indeterminate', why: `the receiver gave no usable answer: ${answer.why}`, exchange };
    const { status } = answer;
    if (settings.refusedWith.includes(status))
      return { verdict: 'dead', why: `the receiver refuses an event signed with it (${status})`, exchange };
    if (status >= 200 && status < 300)
      return { verdict: 'live', why: `the receiver accepts an event signed with it (${status})`, exchange };
    const after = Number(answer.headers['retry-after']);
    return {
      verdict: 'indeterminate',
      why: `the answer ${status} does not tell whether the signature was accepted`,
      exchange,
      ...(status === 429 && Number.isFinite(after)
        ? { retryAfter: Math.min(3600, Math.max(0, after)) * SECOND }
        : {}),
    };
  }

  endSessions(): Promise<SessionsAnswer> {
    return Promise.resolve({ outcome: 'none', why: 'each event carries a signature of its own' });
  }
}
