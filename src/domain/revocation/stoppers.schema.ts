import { z } from 'zod';

const boardStopperSchema = z.object({
  pathId: z.uuid(),
  kind: z.enum(['connector', 'contact']),
  partyId: z.uuid(),
  partyName: z.string().nullable(),
  label: z.string(),
  byMachine: z.boolean(),
  expectedMinutes: z.int(),
  measured: z.boolean().describe('Whether a drill measured the minutes'),
  standing: z
    .enum(['proven', 'untried', 'drill_too_old', 'drill_failed'])
    .nullable()
    .describe('null: drills are not yours to see'),
  lastDrill: z.object({ at: z.iso.datetime(), outcome: z.enum(['passed', 'failed']) }).nullable(),
  reach: z
    .object({ state: z.enum(['reachable', 'unconfirmed', 'unreachable']), why: z.string() })
    .nullable()
    .describe('Of a contact; null for connections and for people of another party'),
  call: z.string().nullable().describe('Phone, else mail address'),
});
export type BoardStopper = z.infer<typeof boardStopperSchema>;

export const boardLineSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    name: z.string(),
    environment: z.string(),
    risk: z.int(),
    revocability: z.string(),
    integration: z.object({ reference: z.string(), name: z.string() }).describe('Its home'),
    verifier: z.string().nullable(),
    exposed: z.boolean(),
    state: z
      .enum(['nobody', 'unproven', 'proven', 'unknown'])
      .describe('nobody: nobody can stop it; unproven: no path that a drill proved and somebody answers'),
    stoppers: z.array(boardStopperSchema).describe('In the order to call'),
  })
  .meta({ id: 'StoppersOfCredential' });
export type BoardLine = z.infer<typeof boardLineSchema>;
