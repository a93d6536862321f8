import { z } from 'zod';
import { Secret } from '../../kernel/secret.ts';
import { parseInstant } from '../../kernel/time.ts';
import type { Report } from './source.ts';

/** Bytes of one reported value. Larger things are files, not secrets. */
export const LARGEST_VALUE = 64 * 1024;
/** Reports of one request to the API; a signed delivery may hold more. */
export const MOST_REPORTS = 1000;

const instant = z
  .string()
  .refine(
    (text) => parseInstant(text) !== undefined,
    'must be an RFC 3339 time with an offset, e.g. 2026-11-22T01:58:05Z',
  )
  .meta({ format: 'date-time' });

const word = (longest: number) => z.string().trim().min(1, 'must not be empty').max(longest);

export const foundAtSchema = z
  .object({
    type: word(100).describe('What it was seen in: commit, ticket, paste, log'),
    url: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .max(2000)
      .optional(),
    path: word(1000).optional(),
    line: z.int().min(0).max(2_000_000_000).optional(),
  })
  .meta({ id: 'ExposureFoundAt' });

const reportFields = z.object({
  ref: word(300).describe('Your own name for the leak; the same again is an update').optional(),
  value: z
    .string()
    .min(1, 'must not be empty')
    .refine((text) => Buffer.byteLength(text) <= LARGEST_VALUE, `must be at most ${LARGEST_VALUE} bytes`)
    .optional()
    .describe('The leaked value. Fingerprinted at once; kept, sealed, only while a revocation needs it'),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hex digits')
    .optional()
    .describe('In place of the value: its SHA-256'),
  supplierId: word(300)
    .optional()
    .describe("The supplier's id of the credential; such a match waits for a person"),
  kind: word(100).optional(),
  place: word(300).optional().describe('Where leaks belong together, e.g. github:owner/repo'),
  occurredAt: instant.optional().describe('When the leak came about, e.g. the time of a commit'),
  detectedAt: instant.optional().describe('When it was found'),
  asOf: instant.optional().describe('As of when all this is so; an older report changes nothing'),
  foundAt: z.array(foundAtSchema).max(100, 'must be at most 100 places').optional(),
  sourceSays: z.enum(['live', 'dead', 'unknown'], 'must be live, dead or unknown').optional(),
  publiclyLeaked: z.boolean().optional(),
  resolved: word(100).optional().describe('The leak is over, in one word; an update, not a new leak'),
});

/** One leaked secret, as anybody may report it. Never echoed: the answer to a report holds none of it. */
export const reportSchema = reportFields
  .refine((report) => report.value ?? report.sha256 ?? report.supplierId, {
    error: 'must have a value, a sha256 or a supplierId',
    path: ['value'],
  })
  .meta({ id: 'ExposureReport' });

export type ReportInput = z.output<typeof reportSchema>;

/** The body of `POST /api/v1/exposures`: one report, or several. */
export const reportsSchema = z
  .object({
    reports: z
      .array(reportSchema)
      .min(1, 'must hold at least one report')
      .max(MOST_REPORTS, `must hold at most ${MOST_REPORTS} reports; send the rest in another request`),
  })
  .meta({ id: 'ExposureReports' });

/** Reports of one signed delivery. */
export const MOST_DELIVERED = 50_000;

/** The body of a signed report (Standard Webhooks 1.0.0): other members and other events are taken and left aside. */
const deliverySchema = z.object({
  type: z.literal('exposure.reported').describe('The event'),
  timestamp: instant.optional().describe('When it happened'),
  data: z.object({
    reports: z
      .array(reportFields.required({ ref: true }))
      .min(1)
      .max(MOST_DELIVERED),
  }),
});

/** That body as JSON Schema 2020-12, for whoever writes a sender. */
export function reportJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(deliverySchema, { target: 'draft-2020-12', io: 'input', unrepresentable: 'any' }),
    $id: '/api/schemas/report.json',
    title: 'Countersign exposure report',
    description:
      'The body of POST /api/v1/intake/{source key} of a source of kind standard-webhooks. Each report has a value, a sha256 or a supplierId.',
  };
}

/** @param ref stands in for a report that names none */
export function toReport(input: ReportInput, ref: string): Report {
  const at = (text: string | undefined) => (text === undefined ? undefined : parseInstant(text));
  return {
    externalRef: input.ref ?? ref,
    place: input.place,
    value: input.value === undefined ? null : Secret.of(input.value),
    sha256: input.sha256?.toLowerCase(),
    supplierId: input.supplierId,
    kind: input.kind,
    occurredAt: at(input.occurredAt),
    detectedAt: at(input.detectedAt),
    asOf: at(input.asOf),
    foundAt: input.foundAt ?? [],
    sourceSays: input.sourceSays,
    publiclyLeaked: input.publiclyLeaked,
    resolved: input.resolved,
  };
}
