import { z } from 'zod';
import { SEVERITIES } from './policy.schema.ts';
import { SUBJECT_KINDS } from './facts.schema.ts';

const id = z.uuid();
const instant = z.string();

export const findingSchema = z
  .object({
    rule: z.string(),
    severity: z.enum(SEVERITIES).describe('critical and high keep an integration out of production'),
    subject: z.object({ kind: z.enum(SUBJECT_KINDS), id: z.string(), name: z.string() }),
    message: z.string(),
    mend: z.string().describe('What to do, in one sentence'),
    frameworks: z.array(z.object({ framework: z.string(), id: z.string() })),
    places: z
      .array(z.object({ where: z.string(), says: z.string() }))
      .length(2)
      .optional()
      .describe('Of a contradiction: both places'),
    exception: z
      .object({ id: z.string(), expiresAt: instant })
      .nullable()
      .describe('What lets it pass, and until when'),
  })
  .meta({ id: 'GateFinding' });
export type FindingView = z.infer<typeof findingSchema>;

export const DECISION_KINDS = ['dry_run', 'go_live', 're_evaluation'] as const;

export const decisionSchema = z
  .object({
    id,
    integrationId: id,
    kind: z.enum(DECISION_KINDS).describe('A dry run decides nothing and opens nothing'),
    verdict: z.enum(['pass', 'refused']),
    findings: z.array(findingSchema),
    policy: z.object({ name: z.string(), version: z.int(), hash: z.string() }),
    matrix: z.object({ versionId: id, hash: z.string() }).nullable(),
    evidence: z.array(z.object({ kind: z.string(), id: z.string() })),
    decidedBy: z.string(),
    at: instant,
  })
  .meta({ id: 'GateDecision' });
export type DecisionView = z.infer<typeof decisionSchema>;

export const goneLiveSchema = decisionSchema
  .extend({ state: z.string(), pass: z.string() })
  .meta({ id: 'GoLive' });

const line = (longest: number) => z.string().trim().min(1, 'must say something').max(longest);

export const requestExceptionSchema = z
  .strictObject({
    rule: line(60),
    subject: z.strictObject({ kind: z.enum(SUBJECT_KINDS), id: line(300) }),
    reason: line(2000),
    compensatingControl: line(2000).describe('What is done instead'),
    expiresAt: z.iso.datetime({
      offset: true,
      error: 'must be an instant with an offset: an exception ends',
    }),
  })
  .meta({ id: 'RequestException' });
export type RequestException = z.output<typeof requestExceptionSchema>;

export const exceptionSchema = z
  .object({
    id,
    integrationId: id,
    rule: z.string(),
    subject: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    reason: z.string(),
    compensatingControl: z.string(),
    requestedBy: z.string(),
    requestedAt: instant,
    expiresAt: instant,
    state: z.enum(['requested', 'approved', 'refused', 'withdrawn', 'expired']),
    decidedBy: z.string().nullable(),
    decidedAt: instant.nullable(),
  })
  .meta({ id: 'Exception' });
export type ExceptionView = z.infer<typeof exceptionSchema>;

export const policyViewSchema = z
  .object({
    name: z.string(),
    title: z.string(),
    version: z.int(),
    hash: z.string(),
    lineage: z.array(z.string()).describe('From itself to its last ancestor'),
    appliesTo: z.object({ riskTiers: z.array(z.int()), dataClasses: z.array(z.string()) }).nullable(),
    limits: z.record(z.string(), z.unknown()).describe('Lengths of time in milliseconds'),
    rules: z.array(
      z.object({
        name: z.string(),
        title: z.string(),
        severity: z.string(),
        frameworks: z.array(z.object({ framework: z.string(), id: z.string() })),
        custom: z.boolean(),
      }),
    ),
    exceptions: z.object({ longest: z.number(), never: z.array(z.string()) }),
    grace: z.number().describe('Milliseconds'),
  })
  .meta({ id: 'Policy' });
export type PolicyView = z.infer<typeof policyViewSchema>;
