import { z } from 'zod';
import { ELAPSED_DAY, HOUR, MINUTE, type Millis } from '../../kernel/time.ts';
import { LOCATION_KINDS, REVOCABILITY } from '../credentials/credential.schema.ts';
import { STRENGTHS } from './facts.schema.ts';

/**
 * A policy template as an operator writes it (`templates/policies/*.yaml`), version 1 of the format. Shape only: what a
 * policy inherits is `inherit.rules.ts`'s question, whether it makes sense `lint.rules.ts`'s.
 */

export const SEVERITIES = ['critical', 'high', 'warning'] as const;
/** `critical` and `high` keep an integration out of production; a `warning` is only said. */
export type Severity = (typeof SEVERITIES)[number];

const UNITS: Readonly<Record<string, Millis>> = { m: MINUTE, h: HOUR, d: ELAPSED_DAY };

/** `30m`, `24h`, `90d` in milliseconds; a day is 24 elapsed hours. */
export const duration = z
  .string()
  .regex(/^[1-9]\d{0,4}[mhd]$/, 'must be a length of time such as 30m, 24h or 90d')
  .transform((text) => Number(text.slice(0, -1)) * UNITS[text.at(-1)!]!);

const name = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens')
  .max(60);
const line = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}]*$/u, 'must be one line of text');
const kind = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, 'must be the kind of a credential, e.g. api_key')
  .max(120);
const orNever = z.union([duration, z.literal('never')], 'must be a length of time such as 90d, or never');

/** A length of time for credentials of any kind, and for some kinds another. `never`: no limit. */
const perKind = z.strictObject({ any: orNever.optional(), kinds: z.record(kind, orNever).default({}) });
export type PerKind = z.output<typeof perKind>;

export const limitsSchema = z.strictObject({
  longestLifetime: perKind.optional().describe('From issue to expiry, which must be set'),
  rotateEvery: perKind.optional().describe('The greatest age of an active version'),
  allowedStores: z.array(z.enum(LOCATION_KINDS)).optional().describe('Kinds of places where copies may lie'),
  integrationsPerCredential: z.int().min(1).max(1000).optional(),
  scopesPerCredential: z.int().min(1).max(1000).optional(),
  maxConnections: z
    .union([z.int().min(1).max(1_000_000), z.literal('unlimited')], 'must be a number, or unlimited')
    .optional()
    .describe('How many connections one integration may hold open at once'),
  sensitiveScopes: z
    .array(line.max(200))
    .max(200)
    .optional()
    .describe('Scopes that need the consent of a person; * stands for any characters'),
  isolateEnvironments: z.boolean().optional(),
  justifyScopes: z.boolean().optional(),
  longestNotificationWindow: duration.optional().describe('The worst case of any notification term'),
  notificationTriggers: z
    .array(z.enum(['suspected', 'confirmed', 'contained', 'determined', 'classified', 'resolved']))
    .optional()
    .describe('What each side must have promised to tell the other about'),
  drillAge: duration.optional().describe('After which a revocation path counts as untried'),
  contactFreshness: duration.optional().describe('After which a contact must confirm again'),
  reviewEvery: duration.optional().describe('The agreement must have a review within this time'),
  revocability: z.array(z.enum(REVOCABILITY)).optional(),
  stopPathEachSide: z.boolean().optional(),
  signatureStrength: z.enum(STRENGTHS).optional(),
  acknowledgementStrength: z
    .enum(STRENGTHS)
    .optional()
    .describe('A weaker acknowledgement of a duty is on record and leaves it open; mailbox, unless said'),
  reveal: z
    .enum(['with-approval', 'break-glass', 'never'])
    .optional()
    .describe('How people may see values: given by a second person, only in an emergency, or not at all'),
  writtenNotices: z
    .enum(['second-person', 'second-person-for-duties', 'alone'])
    .optional()
    .describe(
      'Whether somebody else than its writer approves a notice: each, those about a case, or none. Each, unless said',
    ),
  discouragedKinds: z.array(kind).optional(),
  delegatedAlternatives: z
    .record(kind, line)
    .optional()
    .describe('Kinds of static secrets, and what to use in place of each'),
  staticAfter: duration.optional().describe('A static secret that lives longer than this is long-lived'),
});
export type LimitsInput = z.output<typeof limitsSchema>;

export const customRuleSchema = z.strictObject({
  id: name,
  title: line,
  severity: z.enum(SEVERITIES),
  each: z
    .enum(['integration', 'credential', 'location', 'term'])
    .describe('The rule looks at each one of these; in the expression it has this name'),
  failsWhen: z.string().min(1).max(1000).describe('An expression in CEL; true is a finding'),
  message: line,
  mend: line,
  frameworks: z.array(z.string().max(40)).max(20).default([]),
});
export type CustomRule = z.output<typeof customRuleSchema>;

export const policySchema = z.strictObject({
  format: z.literal(1, 'must be 1, the version of this format').describe('Version of this format'),
  policy: name.describe('Its name; files that inherit from it use this'),
  title: line,
  version: z.int().min(1).max(1_000_000),
  extends: name.optional(),
  appliesTo: z
    .strictObject({
      riskTiers: z.array(z.int().min(1).max(4)).default([]),
      dataClasses: z.array(z.string().min(1).max(60)).default([]),
    })
    .optional()
    .describe(
      'A new integration inherits the most specific policy that applies: data class before risk tier',
    ),
  limits: limitsSchema.default({}),
  rules: z
    .record(name, z.enum([...SEVERITIES, 'off']))
    .default({})
    .describe('Severity of a rule, where it differs'),
  custom: z.array(customRuleSchema).max(100).default([]),
  exceptions: z
    .strictObject({ longest: duration.optional(), never: z.array(name).optional() })
    .default({})
    .describe('How long an exception may last, and which rules allow none'),
  grace: duration.optional().describe('How long a live integration that lost its pass has to mend it'),
});
/** One file. */
export type PolicyFile = z.output<typeof policySchema>;

/** A policy with everything that it inherits: no limit is left open. */
export interface Policy {
  policy: string;
  title: string;
  version: number;
  /** From itself to its last ancestor. */
  lineage: readonly string[];
  limits: Limits;
  rules: Readonly<Record<string, Severity | 'off'>>;
  custom: readonly CustomRule[];
  exceptions: { longest: Millis; never: readonly string[] };
  grace: Millis;
}
export type Limits = Required<Omit<LimitsInput, 'longestLifetime' | 'rotateEvery'>> & {
  longestLifetime: ResolvedPerKind;
  rotateEvery: ResolvedPerKind;
};
export interface ResolvedPerKind {
  any: Millis | 'never';
  kinds: Readonly<Record<string, Millis | 'never'>>;
}

/** What holds for a kind; null: no limit. */
export function limitFor(limit: ResolvedPerKind, ofKind: string): Millis | null {
  const found = limit.kinds[ofKind] ?? limit.any;
  return found === 'never' ? null : found;
}
