import { z } from 'zod';
import { ROLES } from '../../kernel/principal.ts';
import { ELAPSED_DAY, HOUR, MINUTE, SECOND, type Millis } from '../../kernel/time.ts';

/**
 * A runbook as an operator writes it (`templates/runbooks/*.yaml`). Shape only; whether the graph makes sense and the
 * actions exist is `check.rules.ts`'s question.
 */

const UNITS: Record<string, Millis> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: ELAPSED_DAY };

/** `90s`, `15m`, `4h`, `2d` in milliseconds, or undefined. A day is 24 elapsed hours. */
export function parseDuration(text: string): Millis | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (!match) return undefined;
  const millis = Number(match[1]) * UNITS[match[2]!]!;
  return millis <= 3660 * ELAPSED_DAY ? millis : undefined;
}

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'must be a duration such as 30s, 15m, 4h or 2d')
  .transform((text) => parseDuration(text)!);

const stepId = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens, e.g. revoke-version')
  .max(60);

/** `$item.key`, `$input.reason`, `$steps.approve.output.by`, `$subject.id`, `$run.id`: a fact, looked up when the step runs. */
export const reference = z
  .string()
  .regex(
    /^\$(item|input|steps|subject|run)(\.[A-Za-z][A-Za-z0-9_-]*)+$/,
    'must be a fact such as $item.key or $input.reason',
  );

/** The same path without the dollar, as conditions write it. */
const fact = z
  .string()
  .regex(
    /^(item|input|steps|subject|run)(\.[A-Za-z][A-Za-z0-9_-]*)+$/,
    'must be a fact such as item.kind, input.drill or steps.approve.output.by',
  );

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const conditionSchema = z.union(
  [
    z.strictObject({ fact, equals: scalar }),
    z.strictObject({ fact, in: z.array(scalar).min(1) }),
    z.strictObject({ fact, exists: z.boolean() }),
  ],
  'must be { fact, equals }, { fact, in: […] } or { fact, exists }',
);
export type Condition = z.infer<typeof conditionSchema>;

const needSchema = z.union(
  [
    stepId.transform((step) => ({ step, by: undefined, all: false })),
    z
      .strictObject({
        step: stepId,
        /** The name of an item fact that holds the key of the needed step's item: a location names its version. */
        by: z.string().min(1).max(60).optional(),
        /** Wait for every item of the needed step, although both fan out over the same. */
        all: z.boolean().default(false),
      })
      .refine((need) => !(need.by && need.all), 'has both by and all; they exclude each other')
      .transform((need) => ({ step: need.step, by: need.by, all: need.all })),
  ],
  'must be a step id or { step, by } or { step, all: true }',
);

export const retrySchema = z.strictObject({
  attempts: z.int().min(1).max(100).default(5),
  backoff: duration.default(SECOND),
  maxBackoff: duration.default(5 * MINUTE),
  /** Share of the back-off that is drawn at random: 0.2 spreads it over ±20 %. */
  jitter: z.number().min(0).max(1).default(0.2),
});
export type Retry = z.infer<typeof retrySchema>;
export const DEFAULT_RETRY: Retry = { attempts: 5, backoff: SECOND, maxBackoff: 5 * MINUTE, jitter: 0.2 };

export const approvalSchema = z.strictObject({
  roles: z.array(z.enum(ROLES)).min(1),
  quorum: z.int().min(1).max(10).default(1),
  /** The one who started the run cannot approve. */
  fourEyes: z.boolean().default(true),
  /** How long they may take; a duration, or a fact that holds one (the agreement's). */
  within: z.union([duration, reference]),
  /** What lapses into: go on without them, or call for help and keep waiting. */
  otherwise: z.union([z.enum(['escalate', 'act']), reference]).default('escalate'),
});
export type Approval = z.infer<typeof approvalSchema>;

const onFailure = z.union(
  [z.enum(['halt', 'continue']), z.strictObject({ fallback: stepId })],
  'must be halt, continue or { fallback: <step id> }',
);

export const stepSchema = z.strictObject({
  id: stepId,
  title: z.string().min(1).max(200),
  uses: z.string().min(1).max(60),
  with: z.record(z.string(), z.unknown()).default({}),
  needs: z.array(needSchema).default([]),
  /** A selector's name, or `$steps.<id>.output.<list>`. */
  forEach: z.union([stepId, reference]).optional(),
  when: z.array(conditionSchema).default([]),
  retry: retrySchema.optional(),
  timeout: duration.optional(),
  warnAfter: duration.optional(),
  dueWithin: duration.optional(),
  /**
   * How long its people need for it as a rule: a duration, or `2 business-days`. Planned, never enforced: the gate compares
   * it with the windows that were agreed.
   */
  takes: z
    .string()
    .refine(
      (text) => parseDuration(text) !== undefined || /^[1-9]\d{0,2} business-days?$/.test(text),
      'must be a duration such as 4h, or working days such as 2 business-days',
    )
    .optional(),
  owner: z.enum(ROLES).optional(),
  /** Which part whoever answers this step plays; kept apart from others by the runbook's `separation`. */
  act: stepId.optional(),
  approval: approvalSchema.optional(),
  onFailure: onFailure.default('halt'),
  /** The step that undoes this one; runs for each finished item when the run is cancelled. */
  compensate: stepId.optional(),
});
export type StepDefinition = z.infer<typeof stepSchema>;

export const definitionSchema = z.strictObject({
  id: stepId,
  title: z.string().min(1).max(200),
  version: z.int().min(1),
  /** Kept and checked for shape, never started: a runbook in preparation. */
  draft: z.boolean().default(false),
  /** Who looks after steps that name no owner of their own. */
  owner: z.enum(ROLES).default('responder'),
  /** Groups of parts that belong to different people. `request` is the part of whoever starts the run. */
  separation: z.array(z.array(stepId).min(2).max(10)).max(10).optional(),
  steps: z.array(stepSchema).min(1).max(200),
});
export type Definition = z.infer<typeof definitionSchema>;

/** A step that a person adds to one run. It fans out over nothing and needs nothing: it is ready at once. */
export const adHocStepSchema = stepSchema.omit({ needs: true, forEach: true, compensate: true, when: true });
