import { z } from 'zod';
import { calledUrl } from '../parties/fields.schema.ts';
import { TRUSTS } from './exposure.rules.ts';

const apiBaseUrl = calledUrl.refine(
  (text) => !URL.canParse(text) || new URL(text).search === '',
  'must have no query',
);

/** Characters. A list of public keys is a key, too. */
const LONGEST_KEY = 64 * 1024;

function whole(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int(error).min(least, error).max(most, error);
}

const editable = {
  name: z.string().trim().min(1, 'must not be empty').max(200),
  environment: z.string().trim().min(1).max(60),
  trust: z.enum(TRUSTS, 'must be act, approve or inform').describe('How far its reports go unattended'),
  ownerContactId: z.uuid().nullable(),
  apiBaseUrl: apiBaseUrl.nullable().describe("The source's own API, asked for what its deliveries leave out"),
  apiToken: z.string().min(8).max(4000).describe('Write-only. Kept sealed; dropped when the address changes'),
  quotaPerHour: whole(1, 10_000_000),
  settings: z
    .record(z.string().max(60), z.union([z.string().max(2000), z.boolean()]))
    .describe(
      'What its kind needs besides: of set issuer, audience, jwksUri and pollUrl; of github-partner inventoryIsComplete: only then is GitHub told of false positives',
    ),
  pollEverySeconds: whole(20, 86_400).describe(
    'How often a source with a pollUrl is asked for its deliveries',
  ),
  bodyLimit: whole(1024, 64 * 1024 * 1024)
    .nullable()
    .describe('Bytes of one delivery; null: 25 MB of github, 10 MB of github-partner, 1 MB of others'),
};

export const createSourceSchema = z
  .strictObject({
    key: z
      .string()
      .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens')
      .max(60)
      .describe('Stands in the address that the source delivers to'),
    kind: z
      .string()
      .min(1)
      .max(60)
      .describe('A kind such as github, or api for what a party reports with its token'),
    name: editable.name,
    environment: editable.environment.default('production'),
    trust: editable.trust.default('approve'),
    partyId: z.uuid().nullable().default(null).describe('Whose source it is; null: the operator’s'),
    ownerContactId: editable.ownerContactId.default(null),
    apiBaseUrl: editable.apiBaseUrl.default(null),
    apiToken: editable.apiToken.optional(),
    quotaPerHour: editable.quotaPerHour.default(100_000),
    settings: editable.settings.default({}),
    bodyLimit: editable.bodyLimit.default(null),
    pollEverySeconds: editable.pollEverySeconds.default(20),
    keys: z.array(z.string().min(1).max(LONGEST_KEY)).max(5).default([]).describe('Write-only signing keys'),
  })
  .meta({ id: 'NewSource' });

export const editSourceSchema = z
  .strictObject({
    name: editable.name.optional(),
    environment: editable.environment.optional(),
    trust: editable.trust.optional(),
    ownerContactId: editable.ownerContactId.optional(),
    apiBaseUrl: editable.apiBaseUrl.optional(),
    apiToken: editable.apiToken.nullable().optional(),
    quotaPerHour: editable.quotaPerHour.optional(),
    settings: editable.settings.optional(),
    bodyLimit: editable.bodyLimit.optional(),
    pollEverySeconds: editable.pollEverySeconds.optional(),
    active: z.boolean().optional(),
  })
  .meta({ id: 'SourceChange' });

export const addKeySchema = z
  .strictObject({ key: z.string().min(1).max(LONGEST_KEY).describe('Write-only') })
  .meta({ id: 'NewSourceKey' });

/** What the last question brought. */
export const polledSchema = z
  .object({
    at: z.iso.datetime(),
    taken: z.int().describe('Deliveries that are stored'),
    refused: z.int(),
    problem: z.string().nullable().describe('Why it failed; null: it did not'),
  })
  .meta({ id: 'SourcePolled' });
export type Polling = z.output<typeof polledSchema>;

export const sourceSchema = z
  .object({
    id: z.uuid(),
    key: z.string(),
    kind: z.string(),
    name: z.string(),
    environment: z.string(),
    trust: z.enum(TRUSTS),
    partyId: z.uuid().nullable(),
    ownerContactId: z.uuid().nullable(),
    apiBaseUrl: z.string().nullable(),
    hasApiToken: z.boolean(),
    keys: z.array(z.object({ id: z.uuid(), addedAt: z.iso.datetime() })),
    active: z.boolean(),
    quotaPerHour: z.int(),
    settings: z.record(z.string(), z.union([z.string(), z.boolean()])),
    bodyLimit: z.int().nullable(),
    pollEverySeconds: z.int(),
    polled: polledSchema.nullable().describe('Null: it was never asked'),
    publishedKeysAt: z.iso
      .datetime()
      .nullable()
      .describe('When its sender last confirmed the keys that it publishes'),
    lastSeenAt: z.iso.datetime().nullable(),
    rowVersion: z.int(),
  })
  .meta({ id: 'Source' });

export type NewSource = z.output<typeof createSourceSchema>;
export type SourceChange = z.output<typeof editSourceSchema>;
export type SourceView = z.output<typeof sourceSchema>;
