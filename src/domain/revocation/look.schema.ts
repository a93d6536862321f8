import { z } from 'zod';
import { instant, line, listOf, oneOf, sha256 } from '../parties/fields.schema.ts';
import { LOOK_VERDICTS } from './scan.rules.ts';

const MOST_FINDINGS = 5000;

export const scanReportSchema = z
  .strictObject({
    versionId: z.uuid('must be the id of a version').describe('Which version the place is judged for'),
    format: oneOf(['gitleaks', 'sarif'] as const).describe('gitleaks: its JSON report; sarif: SARIF 2.1.0'),
    report: z
      .union([
        z.array(z.record(z.string(), z.unknown())).max(MOST_FINDINGS),
        z.looseObject({ version: z.string(), runs: z.array(z.unknown()).max(100) }),
      ])
      .describe('As the scanner wrote it. It is judged and dropped: its hash is kept, its values never'),
    scannedAt: instant,
    covers: listOf(line(1000))
      .default([])
      .describe('Paths that the scanner came to, where the report does not list them; "." is everything'),
  })
  .meta({ id: 'ScanReport' });
export type ScanReport = z.output<typeof scanReportSchema>;

export const seenFingerprintSchema = z
  .strictObject({
    sha256: sha256.describe('SHA-256 of the value that the place uses now, as 64 hex digits'),
    seenAt: instant.optional().describe('Left out: now'),
  })
  .meta({ id: 'SeenFingerprint' });
export type SeenFingerprint = z.output<typeof seenFingerprintSchema>;

export const lookSchema = z
  .object({
    verdict: z.enum(LOOK_VERDICTS).describe('Only gone and present change what is known of the copy'),
    why: z.string(),
    elsewhere: z.int().describe('At how many other paths the value of this version was found'),
  })
  .meta({ id: 'CopyLook' });

export const seenSchema = z
  .object({
    version: z.int().nullable().describe('The version that it is; null: a value that is not known'),
    gone: z.array(z.int()).describe('Versions that are shown to be gone from there by this'),
    why: z.string(),
  })
  .meta({ id: 'FingerprintSeen' });

/** Which entry of which store a copy is. */
export const placedInSchema = z
  .strictObject({
    connectionId: z
      .uuid('must be the id of a connection')
      .describe('To a store: Vault KV, or AWS Secrets Manager'),
    entry: line(500).describe('The path, or the name, as the store has it'),
    field: line(200).optional().describe('Within the entry; left out: the value is the whole of it'),
  })
  .meta({ id: 'PlacedIn' });
export type PlacedIn = z.output<typeof placedInSchema>;

export const storePlaceSchema = z
  .object({
    connection: z.object({ id: z.uuid(), name: z.string(), preset: z.string(), retired: z.boolean() }),
    entry: z.string(),
    field: z.string().nullable().describe('null: the value is the whole of it'),
    setAt: z.iso.datetime(),
    writable: z.boolean().describe('A machine writes new versions there, as far as shows without asking'),
    obstacle: z.string().nullable().describe('Why no machine can'),
  })
  .meta({ id: 'StorePlace' });

export const entryReadSchema = z
  .object({
    outcome: z.enum(['read', 'unreadable']),
    why: z.string().nullable().describe('Why it could not be read'),
    kept: z.array(
      z.object({
        name: z.string(),
        current: z.boolean().describe('Readers get it unless they ask for another'),
        is: z.enum(['ours', 'other', 'nothing']).describe('nothing: the field is not there'),
        version: z.int().nullable().describe('Of this credential, where it is one'),
      }),
    ),
    unread: z.int().describe('More versions are there that nobody could read'),
  })
  .meta({ id: 'StoreEntryRead' });

export const storeLookSchema = z
  .strictObject({ versionId: z.uuid('must be the id of a version').describe('Which version is looked for') })
  .meta({ id: 'StoreLook' });

export const storeSeenSchema = lookSchema.omit({ elsewhere: true }).meta({ id: 'StoreSeen' });
