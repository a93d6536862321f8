import { z } from 'zod';
import { DUTIES } from './matrix.rules.ts';

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
    note: z.string(),
  })
  .meta({ id: 'MatrixRow' });
export type MatrixRowView = z.infer<typeof matrixRowViewSchema>;

export const matrixViewSchema = z
  .object({
    id: z.uuid(),
    number: z.int(),
    state: z.enum(['draft', 'proposed', 'countersigned', 'withdrawn', 'expired', 'superseded']),
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
