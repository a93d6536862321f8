import { z } from 'zod';
import { keySchema } from '../parties/fields.schema.ts';
import { KINDS } from './portfolio.schema.ts';

export const FORMATS = ['json', 'yaml', 'csv', 'jsonl'] as const;
export type Format = (typeof FORMATS)[number];

/** Bytes that a file of each format may have. Documents are held in memory whole; the others are streamed. */
export const FILE_LIMITS: Readonly<Record<Format, number>> = {
  json: 20_000_000,
  yaml: 2_000_000,
  csv: 1_000_000_000,
  jsonl: 1_000_000_000,
};

export const MEDIA_TYPES: Readonly<Record<string, Format>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/x-yaml': 'yaml',
  'text/yaml': 'yaml',
  'text/csv': 'csv',
  'application/jsonl': 'jsonl',
  'application/x-ndjson': 'jsonl',
  'application/jsonlines': 'jsonl',
};

/** The format that a file's name tells. */
export function formatOf(name: string): Format | undefined {
  const ending = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase();
  const known: Record<string, Format> = {
    json: 'json',
    yaml: 'yaml',
    yml: 'yaml',
    csv: 'csv',
    jsonl: 'jsonl',
    ndjson: 'jsonl',
  };
  return ending === undefined ? undefined : known[ending];
}

const flag = z.enum(['true', 'false', ''], 'must be true or false').transform((text) => text !== 'false');

/** Query of `POST /api/v1/imports`; the body is the file. */
export const importQuerySchema = z.strictObject({
  source: keySchema
    .max(100)
    .default('import')
    .describe('Whose keys the file uses; a document may name its own'),
  format: z.enum(FORMATS).optional().describe('Where the content type does not tell'),
  kind: z
    .enum(KINDS as [string, ...string[]])
    .optional()
    .describe('For CSV and JSON Lines with rows of one kind'),
  dryRun: flag.default(false).describe('Do everything but commit'),
  partial: flag.default(false).describe('Take the good rows of a file with bad ones'),
  name: z.string().max(200).default('').describe('What the file is called, for people'),
});

export const IMPORT_STATES = [
  'queued',
  'reading',
  'checking',
  'applying',
  'done',
  'refused',
  'failed',
] as const;

const counted = z.object({ created: z.int(), changed: z.int(), unchanged: z.int() });

export const importViewSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    source: z.string(),
    format: z.enum(FORMATS),
    kind: z.string().nullable(),
    fileName: z.string(),
    dryRun: z.boolean(),
    partial: z.boolean(),
    state: z
      .enum(IMPORT_STATES)
      .describe('refused: bad rows, nothing stored; failed: our side could not, nothing stored'),
    bytesTotal: z.number(),
    bytesRead: z.number(),
    rowsRead: z.int(),
    counts: z.record(z.string(), counted).describe('By kind; of a dry run what would have been'),
    problems: z.int().describe('All that were found; at most 10,000 are kept'),
    failure: z.string().nullable(),
    mend: z.string().nullable(),
    createdAt: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    endedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Import' });
export type ImportView = z.infer<typeof importViewSchema>;

export const problemViewSchema = z
  .object({
    ordinal: z.int(),
    line: z.int(),
    kind: z.string(),
    key: z.string().nullable(),
    field: z.string(),
    problem: z.string(),
    mend: z.string(),
  })
  .meta({ id: 'ImportProblem' });
export type ProblemView = z.infer<typeof problemViewSchema>;
