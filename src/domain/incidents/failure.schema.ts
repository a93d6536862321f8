import { z } from 'zod';
import { instant, keySchema, line, oneOf, paragraph, whole } from '../parties/fields.schema.ts';
import { FAILURE_CLASSES, WIRE_FAILURES } from './failure.rules.ts';

export const FALLBACKS = ['triggered', 'not_triggered', 'none', 'unknown'] as const;

export const reportFailureSchema = z
  .strictObject({
    key: keySchema.optional().describe('Of the alert in your monitoring: the same again is the same report'),
    integrationId: z.uuid('must be the id of an integration').describe('What failed'),
    credentialId: z.uuid('must be the id of a credential').optional().describe('What it uses, where known'),
    versionId: z
      .uuid('must be the id of a version')
      .optional()
      .describe('Which version it used, where known'),
    consumer: line(200).describe('Which service, job or page failed'),
    at: instant,
    status: whole(100, 599).optional().describe('HTTP status that it got'),
    failure: oneOf(WIRE_FAILURES).optional().describe('Where no answer came'),
    actors: whole(0, 1_000_000_000).optional().describe('How many users or jobs used it at that time'),
    actorsFailing: whole(0, 1_000_000_000).optional().describe('How many of them failed'),
    fallback: oneOf(FALLBACKS)
      .default('unknown')
      .describe('none: there is none; not_triggered: there is one, and it did not start'),
    fallbackNote: paragraph(1000).default(''),
    note: paragraph(2000).default(''),
  })
  .refine((one) => one.status === undefined || one.failure === undefined, {
    path: ['failure'],
    message: 'must not stand beside a status: an answer came',
  })
  .refine((one) => (one.actors === undefined) === (one.actorsFailing === undefined), {
    path: ['actorsFailing'],
    message: 'must stand beside actors, and only there',
  })
  .refine((one) => (one.actorsFailing ?? 0) <= (one.actors ?? Infinity), {
    path: ['actorsFailing'],
    message: 'must not be more than there are',
  })
  .refine((one) => one.versionId === undefined || one.credentialId !== undefined, {
    path: ['credentialId'],
    message: 'must say whose version it is',
  })
  .meta({ id: 'ReportFailure' });
export type ReportFailure = z.output<typeof reportFailureSchema>;

export const failureSchema = z
  .object({
    id: z.uuid(),
    integration: z.object({ id: z.uuid(), name: z.string().nullable() }),
    credential: z.object({ id: z.uuid(), name: z.string().nullable() }).nullable(),
    consumer: z.string(),
    at: z.iso.datetime(),
    status: z.int().nullable(),
    failure: z.enum(WIRE_FAILURES).nullable(),
    actors: z.int().nullable(),
    actorsFailing: z.int().nullable(),
    fallback: z.enum(FALLBACKS),
    fallbackNote: z.string(),
    note: z.string(),
    class: z.enum(FAILURE_CLASSES).describe('As judged now, from what is known now'),
    why: z.string(),
  })
  .meta({ id: 'Failure' });
export type FailureView = z.infer<typeof failureSchema>;

export const failuresSchema = z.object({ failures: z.array(failureSchema) }).meta({ id: 'Failures' });
