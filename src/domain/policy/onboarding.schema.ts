import { z } from 'zod';
import { RUN_STATES } from '../runbooks/step.rules.ts';

const instant = z.iso.datetime();
const said = z.string().trim().min(1, 'must not be empty').max(2000);

export const startOnboardingSchema = z
  .strictObject({
    reason: said.describe('Why the integration is wanted'),
    fastPath: z
      .boolean()
      .default(false)
      .describe('Leaves out what the low tier may leave out, under the compensating control of its runbook'),
  })
  .meta({ id: 'StartOnboarding' });
export type StartOnboarding = z.output<typeof startOnboardingSchema>;

export const reviewScopeSchema = z
  .strictObject({
    credentialId: z.uuid(),
    scope: z.string().min(1).max(500),
    decision: z.enum(['justified', 'unjustified']),
    justification: z.string().trim().max(2000).default(''),
  })
  .refine(({ decision, justification }) => decision === 'unjustified' || justification !== '', {
    message: 'a scope that is justified says by what',
    path: ['justification'],
  })
  .meta({ id: 'ScopeDecision' });
export type ReviewScope = z.output<typeof reviewScopeSchema>;

export const startOffboardingSchema = z
  .strictObject({ reason: said.describe('Why the relationship ends') })
  .meta({ id: 'StartOffboarding' });

/** One step of the way, however many things it fans out over. */
const wayStepSchema = z.object({
  step: z.string(),
  title: z.string(),
  uses: z.string(),
  act: z.string().nullable().describe('The part of whoever answers it'),
  state: z.enum(['waits', 'under_way', 'needs_somebody', 'done', 'failed', 'skipped', 'cancelled']),
  done: z.int(),
  total: z.int(),
  open: z.array(
    z.object({
      stepId: z.uuid(),
      label: z.string().nullable(),
      state: z.string(),
      forWhat: z.string().nullable(),
    }),
  ),
});
export type WayStep = z.infer<typeof wayStepSchema>;

const wayFields = {
  id: z.uuid(),
  runId: z.uuid(),
  state: z.enum(['open', 'done', 'failed', 'cancelled']),
  runState: z.enum(RUN_STATES),
  reason: z.string(),
  requestedBy: z.string(),
  requestedAt: instant,
  endedAt: instant.nullable(),
  steps: z.array(wayStepSchema),
};

export const scopeLineSchema = z.object({
  credentialId: z.uuid(),
  credential: z.string(),
  scope: z.string(),
  description: z.string(),
  justification: z.string(),
  decision: z.enum(['justified', 'unjustified']).nullable(),
  decidedBy: z.string().nullable(),
});
export type ScopeLine = z.infer<typeof scopeLineSchema>;

export const onboardingSchema = z
  .object({
    ...wayFields,
    runbook: z.string(),
    compensatingControl: z
      .object({ control: z.string(), until: instant })
      .nullable()
      .describe('What stands in for what the fast path leaves out'),
    scopes: z.array(scopeLineSchema),
  })
  .meta({ id: 'Onboarding' });
export type OnboardingView = z.infer<typeof onboardingSchema>;

export const offboardingSchema = z
  .object({
    ...wayFields,
    holdsOpen: z.array(z.string()).describe('What cannot be shown to be over, and nobody carries by name'),
  })
  .meta({ id: 'Offboarding' });
export type OffboardingView = z.infer<typeof offboardingSchema>;

export const startedWaySchema = z.object({ id: z.uuid(), runId: z.uuid() }).meta({ id: 'StartedWay' });
export type StartedWay = z.infer<typeof startedWaySchema>;
