import { z } from 'zod';
import { calledUrl } from '../parties/fields.schema.ts';
import { POLL, PUSH } from './set.rules.ts';

/** The bodies of the Shared Signals Framework 1.0, in its own member names. */
const uri = z.string().min(1).max(300);
const description = z.string().max(500);
const delivery = z
  .discriminatedUnion('method', [
    z.object({
      method: z.literal(PUSH),
      endpoint_url: calledUrl,
      authorization_header: z
        .string()
        .min(1)
        .max(4000)
        .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
        .optional()
        .describe('Write-only: sent as Authorization with each token'),
    }),
    z.object({ method: z.literal(POLL), endpoint_url: z.string().max(2000).optional() }),
  ])
  .describe('How tokens reach the receiver; absent: it polls');
/** Members that are ours to supply: a receiver may send them back as they are. */
const ours = {
  iss: z.string().max(500).optional(),
  aud: z.union([z.string().max(500), z.array(z.string().max(500)).max(10)]).optional(),
  events_supported: z.array(uri).max(50).optional(),
  events_delivered: z.array(uri).max(50).optional(),
  min_verification_interval: z.int().optional(),
};
const id = z.uuid();

const credentialTypes = z
  .record(z.string().min(1).max(60), z.string().min(1).max(100))
  .refine((map) => Object.keys(map).length <= 50, 'must have at most 50 members')
  .describe('Ours to the receiver’s own names of kinds of credential: {"api_key": "app"}');

export const newStreamSchema = z
  .object({
    delivery: delivery.optional(),
    events_requested: z.array(uri).max(50).optional().describe('Absent: everything that is supported'),
    description: description.optional(),
    credential_types: credentialTypes.optional(),
    ...ours,
  })
  .meta({ id: 'NewStream' });
export type NewStream = z.output<typeof newStreamSchema>;

export const streamChangeSchema = newStreamSchema.extend({ stream_id: id }).meta({ id: 'StreamChange' });
export type StreamChange = z.output<typeof streamChangeSchema>;

export const streamSchema = z
  .object({
    stream_id: id,
    iss: z.string(),
    aud: z.string(),
    delivery: z.object({ method: z.string(), endpoint_url: z.string() }),
    events_supported: z.array(z.string()),
    events_requested: z.array(z.string()),
    events_delivered: z.array(z.string()),
    description: z.string().optional(),
    credential_types: z.record(z.string(), z.string()).optional(),
    min_verification_interval: z.int().describe('Seconds'),
  })
  .meta({ id: 'Stream' });
export type StreamView = z.infer<typeof streamSchema>;

export const STREAM_STATES = ['enabled', 'paused', 'disabled'] as const;
export const statusChangeSchema = z
  .object({ stream_id: id, status: z.enum(STREAM_STATES), reason: z.string().max(300).optional() })
  .meta({ id: 'StreamStatusChange' });
export const streamStatusSchema = z
  .object({ stream_id: id, status: z.enum(STREAM_STATES), reason: z.string().optional() })
  .meta({ id: 'StreamStatus' });
export type StreamStatus = z.infer<typeof streamStatusSchema>;

export const subjectChangeSchema = z
  .object({
    stream_id: id,
    subject: z
      .record(z.string(), z.unknown())
      .describe('RFC 9493: iss_sub with our issuer and the id of a credential, or opaque with that id'),
    verified: z.boolean().optional(),
  })
  .meta({ id: 'StreamSubject' });

export const verificationSchema = z
  .object({ stream_id: id, state: z.string().max(1000).optional() })
  .meta({ id: 'StreamVerification' });

const jti = z.string().min(1).max(200);
export const pollSchema = z
  .object({
    maxEvents: z.int().min(0).max(1_000_000).optional(),
    returnImmediately: z.boolean().default(false).describe('false: waits up to 20 seconds for something'),
    ack: z.array(jti).max(1000).default([]),
    setErrs: z
      .record(jti, z.object({ err: z.string().max(100), description: z.string().max(1000).optional() }))
      .default({}),
  })
  .meta({ id: 'Poll' });
export type Poll = z.output<typeof pollSchema>;
export const polledSchema = z
  .object({
    sets: z.record(z.string(), z.string()).describe('Tokens by their jti'),
    moreAvailable: z.boolean().optional(),
  })
  .meta({ id: 'Polled' });
export type Polled = z.infer<typeof polledSchema>;
