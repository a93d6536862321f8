import { z } from 'zod';
import { STRENGTHS, WAYS } from './attestation.rules.ts';
import { MATERIAL } from './material-changes.rules.ts';
import { DUTIES, PATH_KINDS } from './matrix.rules.ts';

export const VERSION_STATES = [
  'draft',
  'proposed',
  'countersigned',
  'withdrawn',
  'expired',
  'superseded',
  'sent_back',
] as const;

const party = z.object({ id: z.uuid(), name: z.string().nullable() });

export const matrixRowViewSchema = z
  .object({
    id: z.uuid(),
    duty: z.enum(DUTIES),
    part: z.string().describe('Empty: the whole duty'),
    credentialId: z.uuid().nullable().describe('Overrides the row for one credential'),
    accountable: party,
    performing: z.array(party),
    contact: party.nullable(),
    windowMinutes: z.int().nullable().describe('Within how long, in elapsed minutes'),
    pathKind: z.enum(PATH_KINDS).nullable(),
    note: z.string(),
  })
  .meta({ id: 'MatrixRow' });
export type MatrixRowView = z.infer<typeof matrixRowViewSchema>;

export const matrixViewSchema = z
  .object({
    id: z.uuid(),
    number: z.int(),
    state: z.enum(VERSION_STATES),
    inForce: z.boolean(),
    contentHash: z.string().describe('SHA-256 of the canonical text, lower-case hex: what is signed'),
    validFrom: z.iso.datetime().nullable(),
    validUntil: z.iso.datetime().nullable(),
    rows: z.array(matrixRowViewSchema),
    gaps: z.array(z.object({ duty: z.enum(DUTIES), part: z.string(), mend: z.string() })),
    shared: z.array(z.enum(DUTIES)).describe('Duties whose parts have different accountable parties'),
  })
  .meta({ id: 'Matrix' });
export type MatrixView = z.infer<typeof matrixViewSchema>;

const changeSchema = z
  .object({
    what: z.enum(MATERIAL),
    duty: z.enum(DUTIES).nullable(),
    part: z.string(),
    credentialId: z.uuid().nullable(),
    before: z.string().nullable(),
    after: z.string().nullable(),
    words: z.object({ where: z.string(), what: z.string(), before: z.string(), after: z.string() }),
  })
  .meta({ id: 'MaterialChange' });
export type ChangeView = z.infer<typeof changeSchema>;

const findingSchema = z
  .object({
    code: z.enum(['gap', 'no_contact', 'chain_window', 'conflicting_revokers']),
    severity: z.enum(['blocking', 'warning']),
    duty: z.enum(DUTIES).nullable(),
    part: z.string(),
    message: z.string(),
    mend: z.string(),
  })
  .meta({ id: 'MatrixFinding' });
export type MatrixFinding = z.infer<typeof findingSchema>;

const versionLine = z.object({ id: z.uuid(), number: z.int(), state: z.enum(VERSION_STATES) });

/** What is drafted now. Before the first edit: the newest version, at version 0. */
export const workingMatrixSchema = z
  .object({
    integrationId: z.uuid(),
    rowVersion: z.int().describe('For If-Match; 0 before the first edit'),
    drafted: z.boolean().describe('Whether anything was edited since the newest version'),
    newest: versionLine.nullable(),
    rows: z.array(matrixRowViewSchema),
    findings: z.array(findingSchema),
    changes: z.array(changeSchema).describe('Material differences from what both sides signed last'),
  })
  .meta({ id: 'WorkingMatrix' });
export type WorkingMatrix = z.infer<typeof workingMatrixSchema>;

export const signatureSchema = z
  .object({
    id: z.uuid(),
    party: party,
    signsFor: z.string(),
    way: z.enum(WAYS),
    strength: z.enum(STRENGTHS),
    language: z.string(),
    at: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    counts: z.boolean(),
    why: z.string().nullable().describe('Why it does not count'),
  })
  .meta({ id: 'MatrixSignature' });
export type SignatureView = z.infer<typeof signatureSchema>;

const textSchema = z.object({ language: z.string(), text: z.string(), textHash: z.string() });

export const versionViewSchema = z
  .object({
    id: z.uuid(),
    integrationId: z.uuid(),
    number: z.int(),
    state: z.enum(VERSION_STATES),
    contentHash: z.string().describe('SHA-256 of the canonical text, lower-case hex'),
    canonical: z.string().describe('RFC 8785 text: hash it to check the content hash'),
    proposedBy: party.nullable(),
    proposedAt: z.iso.datetime().nullable(),
    validFrom: z.iso.datetime().nullable(),
    validUntil: z.iso.datetime().nullable(),
    fellAt: z.iso.datetime().nullable(),
    fellBecause: z.array(changeSchema),
    rows: z.array(matrixRowViewSchema),
    texts: z.array(textSchema),
    terms: z
      .object({
        contentHash: z.string(),
        agreementVersionId: z.uuid().nullable().describe('In which they hold, once every side has signed'),
        texts: z.array(textSchema),
      })
      .nullable()
      .describe('Signed with it; their hashes stand in the text that is signed'),
    signers: z.array(party.extend({ signed: z.boolean() })),
    signatures: z.array(signatureSchema),
    comments: z.array(
      z.object({
        id: z.uuid(),
        party: party,
        author: z.string(),
        duty: z.enum(DUTIES).nullable(),
        part: z.string(),
        credentialId: z.uuid().nullable(),
        text: z.string(),
        at: z.iso.datetime(),
      }),
    ),
    mails: z
      .array(
        z.object({
          id: z.uuid(),
          party: party,
          contact: z.string().nullable(),
          contactId: z.uuid(),
          withdrawn: z.boolean(),
          purpose: z.enum(['attest', 'changed', 'confirm']),
          mail: z.enum(['owed', 'attempting', 'accepted', 'failed']),
          attempts: z.int(),
          at: z.iso.datetime(),
        }),
      )
      .describe('What became of the mails about it; both sides see it'),
    unconfirmed: z
      .array(z.object({ contact: party, dueAt: z.iso.datetime() }))
      .describe('New contact persons who have not confirmed yet'),
  })
  .meta({ id: 'MatrixVersion' });
export type VersionView = z.infer<typeof versionViewSchema>;
