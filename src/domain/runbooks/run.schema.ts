import { z } from 'zod';
import { RUN_STATES, STEP_STATES } from './step.rules.ts';

const instant = z.iso.datetime();
const subject = z.object({ kind: z.string(), id: z.uuid() });

export const runSchema = z
  .object({
    id: z.uuid(),
    runbook: z.string(),
    version: z.int(),
    title: z.string(),
    subject: subject.describe('What it is about'),
    state: z.enum(RUN_STATES),
    requestedBy: z.string(),
    correlationId: z.string(),
    startedAt: instant,
    finishedAt: instant.nullable(),
    reason: z.string().nullable(),
    steps: z.record(z.string(), z.int()).describe('How many steps are in each state'),
    stalled: z.int(),
  })
  .meta({ id: 'Run' });
export type RunView = z.output<typeof runSchema>;

export const runNodeSchema = z
  .object({
    step: z.string(),
    title: z.string(),
    uses: z.string(),
    planned: z.boolean().describe('Whether every item is known'),
    total: z.int(),
    open: z.int(),
    done: z.int(),
    failed: z.int(),
    skipped: z.int(),
    cancelled: z.int(),
  })
  .meta({ id: 'RunNode' });
export const runWithNodesSchema = runSchema
  .extend({ nodes: z.array(runNodeSchema) })
  .meta({ id: 'RunWithNodes' });
export type RunNodeView = z.output<typeof runNodeSchema>;

export const stepSchema = z
  .object({
    id: z.uuid(),
    runId: z.uuid(),
    runbook: z.string(),
    subject: subject.describe('What the run is about'),
    step: z.string().describe('Its id in the runbook'),
    title: z.string(),
    uses: z.string().describe('The action'),
    state: z.enum(STEP_STATES),
    item: z
      .object({
        key: z.string(),
        label: z.string(),
        subject,
        facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
      })
      .nullable()
      .describe('What the step is about, where it is one of many'),
    attempt: z.int(),
    forWhat: z.string().nullable().describe('What it waits for'),
    reason: z.string().nullable(),
    owner: z.object({ role: z.string().nullable(), contactId: z.uuid().nullable() }),
    approval: z
      .object({ roles: z.array(z.string()), quorum: z.int(), given: z.int() })
      .nullable()
      .describe('Set while it waits for approval'),
    dueAt: instant.nullable(),
    wakeAt: instant.nullable(),
    readyAt: instant.nullable(),
    startedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    stalledAt: instant.nullable(),
    output: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'Step' });
export type StepView = z.output<typeof stepSchema>;

const said = z.string().trim().min(1, 'must not be empty').max(2000);
/** Why somebody intervenes; goes on record. */
export const actSchema = z.strictObject({ reason: said }).meta({ id: 'ReasonedAct' });

export const settleSchema = z
  .discriminatedUnion('answer', [
    z.strictObject({
      answer: z.literal('done'),
      output: z
        .record(z.string().max(100), z.unknown())
        .optional()
        .describe('What the step was to bring about'),
      note: said.optional(),
    }),
    z.strictObject({ answer: z.literal('failed'), reason: said }),
    z.strictObject({ answer: z.literal('skipped'), reason: said }),
  ])
  .meta({ id: 'StepAnswer' });

export const decisionSchema = z
  .strictObject({ decision: z.enum(['approve', 'reject']), reason: said.optional() })
  .meta({ id: 'ApprovalDecision' });

export const heardSchema = z
  .object({
    late: z.boolean().describe('The step had ended already: the word is on record and changes nothing'),
  })
  .meta({ id: 'Heard' });
