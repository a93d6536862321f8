import { z } from 'zod';
import { USE_LABELS } from './usage.rules.ts';

/** Events of one request at most, and the bytes that they may take. */
export const MOST_EVENTS = 10_000;
export const USAGE_BODY_LIMIT = 8 * 1024 * 1024;

const line = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be one line of text');

export const usageEventSchema = z
  .strictObject({
    eventId: line(200).describe('How the feed names the event: the same name twice counts once'),
    credential: line(100).optional().describe('Its reference, such as CRD-2026-0042'),
    credentialKey: line(300).optional().describe('Its external key'),
    supplierId: line(300).optional().describe('What the supplier calls the version'),
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hex digits')
      .optional()
      .describe('SHA-256 of the value; never the value'),
    version: z.int().min(1).max(100_000).optional().describe('Absent: the one in force at that time'),
    at: z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time with an offset' }),
    outcome: z.enum(['accepted', 'refused']),
    location: line(300).optional().describe('External key of the location that it was used from'),
    actor: line(200).optional().describe('Who used it, as the feed names them'),
    environment: line(100).optional(),
    sourceAddress: z
      .union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' })
      .optional()
      .describe('Kept as a keyed hash only'),
  })
  .refine(
    (event) =>
      [event.credential, event.credentialKey, event.supplierId, event.sha256].filter(
        (name) => name !== undefined,
      ).length === 1,
    {
      error: 'must be named by exactly one of credential, credentialKey, supplierId and sha256',
      path: ['credential'],
    },
  )
  .meta({ id: 'UsageEvent' });
export type UsageEventInput = z.output<typeof usageEventSchema>;

/** One event as JSON Schema, for whoever writes a feed: it is read as raw bytes, so that no handler binds its schema. */
export function usageEventJsonSchema(): object {
  const { $defs } = z.toJSONSchema(usageEventSchema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
  });
  return {
    ...$defs?.['UsageEvent'],
    description: 'Exactly one of credential, credentialKey, supplierId and sha256 names the credential.',
  };
}

/** What is told of one event of a batch. */
const aboutEvent = z.object({
  index: z.int().describe('Place in the body, from 0'),
  field: z.string(),
  code: z.string(),
  problem: z.string(),
  mend: z.string(),
});

export const usageReceiptSchema = z
  .object({
    accepted: z.int().describe('New events'),
    known: z.int().describe('Events that the feed had reported before'),
    refused: z.array(aboutEvent),
    notes: z
      .array(aboutEvent)
      .describe('Of events that were taken, though not all that they say is known here'),
  })
  .meta({ id: 'UsageReceipt' });
export type UsageReceipt = z.output<typeof usageReceiptSchema>;

export const usageFeedInputSchema = z
  .strictObject({
    clock: z.enum(['unknown', 'synchronised']).default('unknown'),
    quietAfterMinutes: z
      .int()
      .min(1)
      .max(525_600)
      .default(1440)
      .describe('A feed that says nothing for longer leaves a gap; an empty batch is a sign of life'),
  })
  .meta({ id: 'UsageFeedInput' });
export type UsageFeedInput = z.output<typeof usageFeedInputSchema>;

export const usageFeedSchema = z
  .object({
    key: z.string(),
    clock: z.enum(['unknown', 'synchronised']),
    quietAfterMinutes: z.int(),
    aheadMs: z.int(),
    firstReceivedAt: z.iso.datetime(),
    lastReceivedAt: z.iso.datetime(),
    quiet: z.boolean(),
  })
  .meta({ id: 'UsageFeed' });
export type UsageFeedView = z.output<typeof usageFeedSchema>;

/** `limit` in a query of a feed's key. */
export const feedKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be lower-case letters, digits, dots, hyphens and underlines');

export const knownActorsSchema = z
  .strictObject({ actors: z.array(line(200)).max(500) })
  .meta({ id: 'KnownActors' });

export const usageLineSchema = z.object({
  version: z.int(),
  location: z.object({ id: z.uuid(), name: z.string() }).nullable(),
  lastAt: z.iso.datetime(),
  lastAcceptedAt: z.iso.datetime().nullable(),
  lastActor: z.string().nullable().describe('Of the last use that is what `label` says; null: not told'),
  environment: z.string().nullable().describe('Of that use'),
  label: z.enum(USE_LABELS).describe('Of most of its uses'),
  labels: z
    .array(z.object({ label: z.enum(USE_LABELS), uses: z.int() }))
    .describe(
      'What its uses are, the most first; of the newest 20,000 of each version that are kept one by one',
    ),
  uses: z.int(),
});

export const credentialUsageSchema = z
  .object({
    seen: z.array(usageLineSchema),
    /** Locations from which no use was ever reported. */
    unseen: z.array(z.object({ id: z.uuid(), name: z.string() })),
    note: z.string(),
    actors: z.array(z.string()),
  })
  .meta({ id: 'CredentialUsage' });
export type CredentialUsage = z.output<typeof credentialUsageSchema>;
