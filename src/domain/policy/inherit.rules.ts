import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';
import { canonicalJson, type CanonicalValue } from '../../kernel/canonical-json.ts';
import type { FieldProblem } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import {
  policySchema,
  type Limits,
  type LimitsInput,
  type PerKind,
  type Policy,
  type PolicyFile,
  type ResolvedPerKind,
} from './policy.schema.ts';

/** Reads one policy file. Problems name the field and, where the text is no YAML, the line. */
export function parsePolicy(text: string, file: string): Result<PolicyFile, FieldProblem[]> {
  const document = parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: true, merge: false });
  const [flaw] = [...document.errors, ...document.warnings];
  if (flaw)
    return err([
      {
        field: file,
        problem: `no YAML: ${flaw.message.split('\n')[0] ?? ''}`,
        mend: 'Mend the text on this line.',
        ...(flaw.linePos ? { line: flaw.linePos[0].line } : {}),
      },
    ]);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 0 });
  } catch {
    return err([{ field: file, problem: 'holds an alias', mend: 'Write the thing out instead.' }]);
  }
  const read = policySchema.safeParse(content);
  if (read.success) return ok(read.data);
  return err(
    read.error.issues.slice(0, 50).flatMap((issue) => {
      const at = issue.path.map((part) => `/${String(part)}`).join('');
      if (issue.code === 'unrecognized_keys')
        return issue.keys.map((key) => ({
          field: `${file}${at}/${key}`,
          problem: 'no such field',
          mend: 'Remove it, or correct its spelling.',
        }));
      return [
        { field: `${file}${at}`, problem: issue.message, mend: 'Change it so that it fits the format.' },
      ];
    }),
  );
}

const DEEPEST = 10;

/** A policy with everything that it inherits. A child's value replaces its parent's; kinds are merged one by one. */
export function resolvePolicy(
  name: string,
  files: ReadonlyMap<string, PolicyFile>,
): Result<Policy, FieldProblem[]> {
  const lineage: PolicyFile[] = [];
  for (let at: string | undefined = name; at !== undefined; at = files.get(at)?.extends) {
    const file = files.get(at);
    const from = lineage.at(-1)?.policy ?? name;
    if (!file) {
      return err([
        { field: `${from}/extends`, problem: `no policy is named ${at}`, mend: 'Name one that exists.' },
      ]);
    }
    if (lineage.includes(file) || lineage.length === DEEPEST) {
      return err([
        {
          field: `${from}/extends`,
          problem: lineage.includes(file) ? 'the policies inherit in a circle' : 'inherits too deeply',
          mend: `Let one of them extend nothing: ${lineage.map((one) => one.policy).join(', ')}.`,
        },
      ]);
    }
    lineage.push(file);
  }
  // From the eldest on, so that what comes later holds.
  const eldestFirst = lineage.toReversed();
  const own = lineage[0]!;
  const limits = eldestFirst.reduce((sum: LimitsInput, one) => mergeLimits(sum, one.limits), NOT_SAID);
  const missing = LIMIT_NAMES.filter((limit) => limits[limit] === undefined);
  const grace = eldestFirst.findLast((one) => one.grace !== undefined)?.grace;
  const longest = eldestFirst.findLast((one) => one.exceptions.longest !== undefined)?.exceptions.longest;
  const open = [
    ...missing.map((limit) => `limits/${limit}`),
    ...(['longestLifetime', 'rotateEvery'] as const)
      .filter((limit) => limits[limit] && limits[limit].any === undefined)
      .map((limit) => `limits/${limit}/any`),
    ...(grace === undefined ? ['grace'] : []),
    ...(longest === undefined ? ['exceptions/longest'] : []),
  ];
  if (open.length > 0) {
    return err(
      open.map((field) => ({
        field: `${name}/${field}`,
        problem: 'is set neither here nor in what it inherits',
        mend: 'Set it, or extend baseline.',
      })),
    );
  }
  const custom = new Map(eldestFirst.flatMap((one) => one.custom.map((rule) => [rule.id, rule] as const)));
  return ok({
    policy: own.policy,
    title: own.title,
    version: own.version,
    lineage: lineage.map((one) => one.policy),
    limits: limits as Limits,
    rules: Object.assign({}, ...eldestFirst.map((one) => one.rules)) as Policy['rules'],
    custom: [...custom.values()],
    exceptions: {
      longest: longest!,
      never: [...new Set(eldestFirst.flatMap((one) => one.exceptions.never ?? []))].sort(),
    },
    grace: grace!,
  });
}

const LIMIT_NAMES = [
  'longestLifetime',
  'rotateEvery',
  'allowedStores',
  'integrationsPerCredential',
  'scopesPerCredential',
  'maxConnections',
  'sensitiveScopes',
  'isolateEnvironments',
  'justifyScopes',
  'longestNotificationWindow',
  'notificationTriggers',
  'drillAge',
  'contactFreshness',
  'reviewEvery',
  'revocability',
  'stopPathEachSide',
  'signatureStrength',
  'acknowledgementStrength',
  'reveal',
  'writtenNotices',
  'discouragedKinds',
  'delegatedAlternatives',
  'staticAfter',
] as const satisfies readonly (keyof LimitsInput)[];

/** What a policy that extends nothing may leave out. */
const NOT_SAID: LimitsInput = {
  delegatedAlternatives: {},
  staticAfter: 7 * ELAPSED_DAY,
  maxConnections: 'unlimited',
  sensitiveScopes: [],
  acknowledgementStrength: 'mailbox',
  reveal: 'with-approval',
  writtenNotices: 'second-person',
};

function mergeLimits(older: LimitsInput, newer: LimitsInput): LimitsInput {
  const merged = { ...older };
  for (const [limit, value] of Object.entries(newer)) {
    if (value !== undefined) Object.assign(merged, { [limit]: value });
  }
  merged.delegatedAlternatives = { ...older.delegatedAlternatives, ...newer.delegatedAlternatives };
  for (const limit of ['longestLifetime', 'rotateEvery'] as const) {
    const both = mergeKinds(older[limit], newer[limit]);
    if (both) merged[limit] = both;
  }
  return merged;
}

function mergeKinds(older: PerKind | undefined, newer: PerKind | undefined): PerKind | undefined {
  if (!older || !newer) return newer ?? older;
  const any = newer.any ?? older.any;
  return { ...(any === undefined ? {} : { any }), kinds: { ...older.kinds, ...newer.kinds } };
}

/** What a rule that limits by kind may be asked about: every kind that is named. */
export function kindsOf(...limits: readonly ResolvedPerKind[]): string[] {
  return [...new Set(limits.flatMap((limit) => Object.keys(limit.kinds)))].sort();
}

/** SHA-256, lower-case hex, of the canonical JSON of a policy with all that it inherits: its version in every decision. */
export function policyHash(policy: Policy): string {
  return createHash('sha256')
    .update(canonicalJson(policy as unknown as CanonicalValue))
    .digest('hex');
}

/** What inheritance looks at. */
export interface Inheriting {
  riskTier: number;
  dataClass: string;
}

/**
 * The policy that an integration inherits: of those that apply, the most specific. One that names its data class beats one
 * that names its tier, one that names both beats both, one that names neither is the fallback. Ties, which the lint refuses,
 * go to the name that sorts first.
 */
export function inheritedPolicy(
  files: ReadonlyMap<string, PolicyFile>,
  integration: Inheriting,
): string | undefined {
  return [...files.values()]
    .map((file) => ({ name: file.policy, weight: weightOf(file, integration) }))
    .filter((one) => one.weight >= 0)
    .sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1))[0]?.name;
}

/** Negative: does not apply. */
export function weightOf({ appliesTo }: PolicyFile, { riskTier, dataClass }: Inheriting): number {
  if (!appliesTo) return -1;
  const { riskTiers, dataClasses } = appliesTo;
  if (riskTiers.length > 0 && !riskTiers.includes(riskTier)) return -1;
  if (dataClasses.length > 0 && !dataClasses.includes(dataClass)) return -1;
  return (dataClasses.length > 0 ? 2 : 0) + (riskTiers.length > 0 ? 1 : 0);
}
