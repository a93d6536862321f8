import { z } from 'zod';

const instant = z.iso.datetime();

const exchangeSchema = z.object({
  kind: z.enum(['probe', 'revoke', 'control', 'own_authentication']),
  outcome: z.string(),
  why: z.string(),
  asked: z.string().describe('Method and address, with every secret masked'),
  status: z.int().nullable(),
  extract: z.string().describe('Of the answer, redacted'),
  path: z.string().describe('Looks vouch for each other only on one path'),
  from: instant,
  until: instant,
});
export type DrillExchange = z.infer<typeof exchangeSchema>;

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
