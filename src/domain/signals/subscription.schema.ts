import { z } from 'zod';
import { calledUrl } from '../parties/fields.schema.ts';
import { CIRCUITS, SIGNAL_NAMES, SIGNAL_TYPES } from './signal.rules.ts';
import { SIGNATURE_KINDS } from './signature.rules.ts';

const time = z.iso.datetime();

/** What a subscription is: an endpoint of Standard Webhooks, or a stream of Security Event Tokens. */
export const SUBSCRIPTION_KINDS = ['webhook', 'set-push', 'set-poll'] as const;
export type SubscriptionKind = (typeof SUBSCRIPTION_KINDS)[number];
export const SUBSCRIPTION_STATES = ['enabled', 'paused', 'disabled'] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

const endpoint = calledUrl.describe('https; kept sealed, and shown without its query');

const name = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(100)
  .regex(/^\P{Cc}*$/u, 'must be one line');
const events = z
  .array(z.enum(SIGNAL_NAMES))
  .min(1, 'must name at least one event')
  .max(SIGNAL_NAMES.length)
  .transform((all) => [...new Set(all)])
  .describe(SIGNAL_NAMES.map((one) => `${one}: ${SIGNAL_TYPES[one]}`).join('; '));
const secret = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe('Write-only: a v1 secret of your own, whsec_ and base64. Absent: one is made, and shown once');

export const newSubscriptionSchema = z
  .strictObject({
    partyId: z.uuid().optional().describe('Whose it is. Absent: the party of the token'),
    name,
    url: endpoint,
    events,
    signing: z
      .enum(SIGNATURE_KINDS)
      .default('v1')
      .describe('v1: HMAC with a shared secret; v1a: Ed25519, nothing is shared'),
    secret,
  })
  .refine((input) => input.secret === undefined || input.signing === 'v1', {
    message: 'is for v1 only',
    path: ['secret'],
  })
  .meta({ id: 'NewSubscription' });
export type NewSubscription = z.output<typeof newSubscriptionSchema>;

export const editSubscriptionSchema = z
  .strictObject({
    name: name.optional(),
    url: endpoint.optional(),
    events: events.optional(),
    state: z
      .enum(['enabled', 'paused'])
      .optional()
      .describe('paused: messages wait, for four days at most. enabled also brings a disabled one back'),
  })
  .meta({ id: 'SubscriptionChange' });
export type SubscriptionChange = z.output<typeof editSubscriptionSchema>;

/** Hours for which both keys sign. */
export const OVERLAP_HOURS = 24;

export const rotateKeySchema = z
  .strictObject({
    signing: z.enum(SIGNATURE_KINDS).default('v1'),
    secret,
    overlapHours: z
      .int()
      .min(0)
      .max(720)
      .default(OVERLAP_HOURS)
      .describe('For how long the keys before go on signing beside the new one'),
  })
  .meta({ id: 'NewSubscriptionKey' });
export type RotateKey = z.output<typeof rotateKeySchema>;

export const subscriptionKeySchema = z.object({
  id: z.uuid(),
  kind: z.enum(SIGNATURE_KINDS),
  addedAt: time,
  retiresAt: time.nullable().describe('null: until somebody retires it'),
  publicKey: z.string().nullable().describe('whpk_…, to verify v1a with'),
});

export const subscriptionSchema = z
  .object({
    id: z.uuid(),
    partyId: z.uuid(),
    kind: z.enum(SUBSCRIPTION_KINDS),
    name: z.string(),
    url: z.string().nullable().describe('Masked; null: it is polled'),
    events: z.array(z.string()),
    state: z.enum(SUBSCRIPTION_STATES),
    stateWhy: z.string(),
    circuit: z
      .enum(CIRCUITS)
      .describe('open: what waits waits together since failingSince, and one message tries it at heldUntil'),
    failures: z.int().describe('Attempts that failed one after the other'),
    failingSince: time.nullable(),
    heldUntil: time.nullable().describe('Nothing is sent before'),
    deliveredAt: time.nullable(),
    waiting: z.int().describe('Messages that nobody took yet'),
    keys: z.array(subscriptionKeySchema),
    createdAt: time,
    rowVersion: z.int(),
  })
  .meta({ id: 'Subscription' });
export type SubscriptionView = z.infer<typeof subscriptionSchema>;

export const keyShownSchema = z
  .object({
    subscription: subscriptionSchema,
    secret: z.string().nullable().describe('To verify v1 with; shown this once. null: nothing is shared'),
    publicKey: z.string().nullable().describe('To verify v1a with'),
  })
  .meta({ id: 'SubscriptionMade' });

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;

export const signalDeliverySchema = z
  .object({
    id: z.uuid(),
    messageId: z.string().describe('The header webhook-id, or the jti: the same over all attempts'),
    type: z.string(),
    state: z.enum(DELIVERY_STATES),
    attempts: z.int(),
    nextAt: time.nullable(),
    occurredAt: time,
    createdAt: time,
    endedAt: time.nullable(),
    lastStatus: z.int().nullable(),
    lastAnswer: z.string().describe('What the peer answered last: masked and cut'),
  })
  .meta({ id: 'SignalDelivery' });
export type SignalDeliveryView = z.infer<typeof signalDeliverySchema>;

export const signalDeliveryDetailSchema = signalDeliverySchema
  .extend({
    data: z.record(z.string(), z.unknown()),
    attempts: z.int(),
    tries: z.array(
      z.object({
        number: z.int(),
        outcome: z.enum(['started', 'delivered', 'failed', 'unknown']),
        status: z.int().nullable(),
        answer: z.string(),
        at: time,
        endedAt: time.nullable(),
        nextAt: time.nullable(),
      }),
    ),
  })
  .meta({ id: 'SignalDeliveryDetail' });
export type SignalDeliveryDetail = z.infer<typeof signalDeliveryDetailSchema>;
