import { z } from 'zod';
import { STRENGTHS } from '../policy/facts.schema.ts';
import { instant, keySchema, sha256, whole, yesNo, oneOf } from '../parties/fields.schema.ts';

const key = keySchema;

/**
 * What a manifest says of evidence. Whoever runs the gate on a manifest wrote it, so it is marked `declared`, and the server
 * never takes it.
 */
export const declaredEvidenceSchema = z.strictObject({
  attestations: z
    .array(
      z.strictObject({
        integration: key,
        party: key,
        matrixHash: sha256.describe('Of the matrix that was signed, as the gate prints it'),
        strength: oneOf(STRENGTHS),
        at: instant,
        expiresAt: instant.optional().describe('Left out: a year after it was given'),
      }),
    )
    .default([]),
  drills: z
    .array(
      z.strictObject({
        credential: key,
        path: whole(1, 100).default(1).describe('Which of its revocation paths, counted from 1'),
        at: instant,
        passed: yesNo,
        minutes: whole(0, 43_200).optional(),
      }),
    )
    .default([]),
  probes: z
    .array(
      z.strictObject({
        credential: key,
        at: instant,
        verdict: oneOf(['live', 'dead', 'indeterminate'] as const),
      }),
    )
    .default([]),
  contacts: z.array(z.strictObject({ contact: key, confirmedAt: instant })).default([]),
  parties: z
    .array(z.strictObject({ party: key, verifiedAt: instant.describe('When somebody made sure who it is') }))
    .default([]),
});
export type DeclaredEvidence = z.output<typeof declaredEvidenceSchema>;
