import { z } from 'zod';

/** What can be made to go wrong in a drill, on its canary alone. */
export const DRILL_FAULTS = [
  'invalid-new-secret',
  'supplier-rejects-reauthentication',
  'worker-dies',
  'response-lost',
  'lying-200',
] as const;
export type DrillFault = (typeof DRILL_FAULTS)[number];

const instant = z.iso.datetime();
const fault = z.enum(DRILL_FAULTS);

const exchangeSchema = z.object({
  kind: z.enum(['probe', 'revoke', 'control', 'own_authentication', 'issue', 'list', 'validate', 'withdraw']),
  outcome: z.string(),
  why: z.string(),
  asked: z.string().describe('Method and address, with every secret masked'),
  status: z.int().nullable(),
  extract: z.string().describe('Of the answer, redacted'),
  path: z.string().describe('Looks vouch for each other only on one path'),
  from: instant,
  until: instant,
  injected: fault
    .optional()
    .describe('The fault that made this answer what it is; absent: the supplier’s own'),
});
export type DrillExchange = z.infer<typeof exchangeSchema>;

/** What was made to go wrong, on the canary of one drill. */
export interface Injection {
  fault: z.infer<typeof fault>;
  part: 'probe' | 'control' | 'revoke' | 'own_authentication' | 'issue';
  at: string;
  /** In words. */
  did: string;
  /** Whether the supplier was asked in truth. */
  reached: boolean;
  /** Asked before a refusal's time was over. */
  early?: boolean;
}
const injectionSchema: z.ZodType<Injection> = z.object({
  fault,
  part: z.enum(['probe', 'control', 'revoke', 'own_authentication', 'issue']),
  at: instant,
  did: z.string(),
  reached: z.boolean(),
  early: z.boolean().optional(),
});

const findingSchema = z.object({
  fault,
  expected: z.string().describe('What had to come of it'),
  held: z.boolean().nullable().describe('null: the drill ended before it could happen'),
  said: z.string().describe('What was done and said'),
  times: z.int().describe('How often it happened'),
  at: instant.nullable().describe('When it first happened'),
  seconds: z.number().nullable().describe('From then to the proof of death'),
});
export type DrillFinding = z.infer<typeof findingSchema>;

export const startDrillSchema = z
  .strictObject({
    faults: z
      .array(fault)
      .max(DRILL_FAULTS.length)
      .refine((all) => new Set(all).size === all.length, { message: 'names a fault twice' })
      .default([])
      .describe('What is made to go wrong, on the canary of this drill alone'),
    runbook: z
      .enum(['drill', 'rotation-drill'])
      .default('drill')
      .describe('Revoke the canary; or make its successor, see it work, and then revoke it'),
  })
  .meta({ id: 'StartDrill' });
export type StartDrill = z.output<typeof startDrillSchema>;

export const drillSchema = z
  .object({
    id: z.uuid(),
    pathId: z.uuid(),
    runId: z.uuid().nullable(),
    kind: z.enum(['connector', 'contact']),
    label: z.string().describe('The connection or the contact'),
    credential: z.object({ id: z.uuid(), reference: z.string(), name: z.string() }),
    canary: z.string().nullable().describe('What was killed; null: a person was called'),
    startedAt: instant.describe('When the revoke left, or the call went out'),
    endedAt: instant.nullable(),
    outcome: z.enum(['passed', 'failed', 'cancelled']).nullable(),
    why: z.string(),
    seconds: z.number().nullable().describe('To the proof of death, or to the answer'),
    evidence: z.array(exchangeSchema),
    runbook: z.enum(['drill', 'rotation-drill']),
    faults: z.array(fault).describe('What was made to go wrong'),
    injections: z.array(injectionSchema).describe('When it went wrong, and how'),
    findings: z.array(findingSchema).describe('What came of each fault; empty while the drill runs'),
    counts: z
      .boolean()
      .describe('Whether it says something about the path: not where a fault forbade any proof, and held'),
    notice: z.string().nullable().describe('The call-out'),
  })
  .meta({ id: 'Drill' });
export type DrillView = z.infer<typeof drillSchema>;

export const startedDrillSchema = z
  .object({ drillId: z.uuid(), runId: z.uuid() })
  .meta({ id: 'StartedDrill' });
export type StartedDrill = z.infer<typeof startedDrillSchema>;

export const canaryInputSchema = z
  .strictObject({
    label: z.string().trim().min(1).max(200).describe('How people recognise it at the supplier'),
    supplierId: z.string().trim().min(1).max(300).optional().describe('The supplier’s own id for it'),
    value: z.string().min(8).max(64_000).optional().describe('Written, never read again'),
  })
  .refine((one) => one.supplierId !== undefined || one.value !== undefined, {
    message: 'needs its value, the supplier’s id, or both',
    path: ['value'],
  })
  .meta({ id: 'CanaryInput' });
export type CanaryInput = z.output<typeof canaryInputSchema>;

export const canarySchema = z
  .object({
    id: z.uuid(),
    label: z.string(),
    supplierId: z.string().nullable(),
    valueKept: z.boolean(),
    state: z.enum(['ready', 'taken', 'used', 'withdrawn']),
    createdAt: instant,
  })
  .meta({ id: 'Canary' });
export type CanaryView = z.infer<typeof canarySchema>;

export const sandboxSchema = z
  .strictObject({
    sandboxConnectionId: z
      .uuid()
      .nullable()
      .describe('The same supplier where nothing is at stake; null: none'),
  })
  .meta({ id: 'SandboxOfConnection' });
