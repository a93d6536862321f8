import { z } from 'zod';
import { REVOCABILITIES } from './connector.ts';

/** One row of an answer table, in words, with what it rests on. */
export const meaningSchema = z.object({
  statuses: z.array(z.int()),
  when: z.array(z.string()).describe('What the body must say, all of it; empty: nothing'),
  means: z.string(),
  why: z.string().nullable(),
  source: z.string().nullable(),
  verified: z.boolean().nullable().describe('Whether its source was checked; null: it names none'),
});

export const presetViewSchema = z
  .object({
    key: z.string(),
    supplier: z.string().nullable().describe('What the command line calls it'),
    variant: z.string().nullable(),
    usual: z.boolean(),
    title: z.string(),
    connector: z.string(),
    kinds: z.array(z.string()),
    baseUrl: z.string().describe('Empty: every connection names its own'),
    capabilities: z.array(z.enum(['issue', 'revoke', 'probe', 'endSessions', 'listUsage', 'introspect'])),
    issue: z.enum(['adds', 'replaces', 'no']),
    revocability: z.enum(REVOCABILITIES),
    verified: z
      .boolean()
      .describe('Whether every answer by which the probe finds life or death rests on a checked source'),
    ranAgainst: z
      .string()
      .nullable()
      .describe('Null: written from documentation, not run against the product'),
  })
  .meta({ id: 'ConnectorPresetLine' });

export const presetDetailSchema = presetViewSchema
  .extend({
    secrets: z.record(z.string(), z.string()),
    control: z.object({ possible: z.boolean(), text: z.string() }),
    facts: z.array(z.object({ fact: z.string(), source: z.string(), verified: z.boolean() })),
    answers: z.array(z.object({ part: z.string(), asks: z.string(), rows: z.array(meaningSchema) })),
  })
  .meta({ id: 'ConnectorPreset' });

export type PresetLine = z.infer<typeof presetViewSchema>;
export type PresetDetail = z.infer<typeof presetDetailSchema>;
export type Meaning = z.infer<typeof meaningSchema>;
