import { z } from 'zod';
import { SEVERITIES } from './policy.schema.ts';

const pointer = z.string().regex(/^(\/[^/]+)+$/, 'must be a JSON pointer such as /integrations/0/owner');

/**
 * Tests of policies (`*.test.yaml`): what a policy says of a manifest with this and that changed. Evidence is made for the
 * case, so that nobody has to compute a hash.
 */
export const fixtureSchema = z.strictObject({
  policy: z.string().max(60).optional().describe('Left out: what the integration inherits'),
  manifest: z.string().max(500).describe('A file, from the folder of the test'),
  at: z.iso.datetime({ offset: true }).describe('The instant at which the gate is asked'),
  cases: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200),
        set: z.record(pointer, z.unknown()).default({}).describe('What is changed, by JSON pointer'),
        remove: z.array(pointer).default([]),
        signed: z.boolean().default(true).describe('Whether every accountable party has signed the matrix'),
        drilled: z.boolean().default(true).describe('Whether every revocation path was tried the day before'),
        confirmed: z.boolean().default(true).describe('Whether every contact has confirmed the day before'),
        expect: z.strictObject({
          verdict: z.enum(['pass', 'refused']),
          findings: z
            .array(
              z.union([
                z.string().max(60),
                z.strictObject({ rule: z.string().max(60), severity: z.enum(SEVERITIES) }),
              ]),
            )
            .default([])
            .describe('Rules that must find something'),
          absent: z.array(z.string().max(60)).default([]).describe('Rules that must find nothing'),
        }),
      }),
    )
    .min(1)
    .max(500),
});
export type Fixture = z.output<typeof fixtureSchema>;
