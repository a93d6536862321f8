import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { controlOf, type FrameworkReference } from './frameworks.rules.ts';
import { partyName, type CredentialFacts, type GateFacts } from './facts.schema.ts';
import type { CustomRule } from './policy.schema.ts';
import { integrationOf, subjectOf, type RuleFinding, type Subject } from './rules/finding.rules.ts';
import { longestHours } from './window.rules.ts';

/**
 * Rules that an operator writes in CEL (Common Expression Language, github.com/google/cel-spec). An expression sees plain
 * values and nothing else: no clock, no network, no file. What it may cost is bounded before it runs: its size, how deep
 * comprehensions nest, and how many values they go over. Regular expressions are left out, as one of ten characters can
 * compute for ever.
 */

const LIMITS = {
  maxAstNodes: 200,
  maxDepth: 24,
  maxListElements: 100,
  maxMapEntries: 20,
  maxCallArguments: 8,
};
const COMPREHENSIONS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
const FORBIDDEN: ReadonlySet<string> = new Set(['matches']);
const DEEPEST_COMPREHENSION = 2;
/** Visits of list elements that one evaluation may cost. */
const BUDGET = 1_000_000;

const SHAPES = {
  integration: {
    name: 'string',
    purpose: 'string',
    state: 'string',
    riskTier: 'int',
    dataClass: 'string',
    environments: 'list<string>',
    shadow: 'bool',
    suppliers: 'list<string>',
    customers: 'list<string>',
    subProcessors: 'list<string>',
    credentials: 'int',
  },
  agreement: {
    exists: 'bool',
    title: 'string',
    authority: 'string',
    terms: 'int',
    containmentSteps: 'list<string>',
  },
  credential: {
    name: 'string',
    kind: 'string',
    environment: 'string',
    purpose: 'string',
    revocability: 'string',
    issuer: 'string',
    verifier: 'string',
    holders: 'list<string>',
    hasOwner: 'bool',
    expires: 'bool',
    lifetimeDays: 'int',
    ageDays: 'int',
    scopes: 'list<string>',
    unjustifiedScopes: 'list<string>',
    stores: 'list<string>',
    sharedWith: 'list<string>',
    stopPaths: 'int',
    drilledDaysAgo: 'int',
  },
  location: {
    name: 'string',
    kind: 'string',
    arrivedBy: 'string',
    provable: 'string',
    party: 'string',
    environments: 'list<string>',
  },
  term: {
    name: 'string',
    direction: 'string',
    trigger: 'string',
    hasWindow: 'bool',
    longestHours: 'int',
    recipients: 'int',
  },
} as const;

function environmentFor(each: CustomRule['each']): Environment {
  const environment = new Environment({ limits: LIMITS })
    .registerVariable({ name: 'integration', schema: SHAPES.integration })
    .registerVariable({ name: 'agreement', schema: SHAPES.agreement });
  if (each === 'credential' || each === 'location')
    environment.registerVariable({ name: 'credential', schema: SHAPES.credential });
  if (each === 'location') environment.registerVariable({ name: 'location', schema: SHAPES.location });
  if (each === 'term') environment.registerVariable({ name: 'term', schema: SHAPES.term });
  return environment;
}

export interface CompiledRule {
  rule: CustomRule;
  /** How deep its comprehensions nest. */
  depth: number;
  /** Whether it looks at any fact; one that does not is always or never true. */
  looks: boolean;
  evaluate(context: Record<string, unknown>): unknown;
}

/** An expression, parsed and checked; or why it cannot be used. */
export function compileRule(rule: CustomRule): Result<CompiledRule, string> {
  const environment = environmentFor(rule.each);
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = environment.parse(rule.failsWhen);
  } catch (thrown) {
    return err(firstLine(thrown));
  }
  const checked = parsed.check();
  if (!checked.valid) return err(firstLine(checked.error));
  if (checked.type !== 'bool')
    return err(`it gives a ${checked.type ?? 'value'} and must give true or false`);
  const seen = inspect(parsed.ast);
  if (seen.forbidden) return err(`${seen.forbidden} is not available here`);
  if (seen.depth > DEEPEST_COMPREHENSION)
    return err(`its comprehensions nest deeper than ${DEEPEST_COMPREHENSION}`);
  return ok({
    rule,
    depth: seen.depth,
    looks: seen.looks,
    evaluate: (context) => parsed(context) as unknown,
  });
}

function firstLine(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0] ?? 'it cannot be read';
}

function inspect(node: ASTNode): { depth: number; looks: boolean; forbidden?: string } {
  let looks = false;
  let forbidden: string | undefined;
  const walk = (one: unknown): number => {
    if (Array.isArray(one)) return Math.max(0, ...one.map(walk));
    if (typeof one !== 'object' || one === null || !('op' in one)) return 0;
    const { op, args } = one as ASTNode;
    if (op === 'id' && Object.hasOwn(SHAPES, args)) looks = true;
    const called = op === 'call' || op === 'rcall' ? args[0] : undefined;
    if (called !== undefined && FORBIDDEN.has(called)) forbidden = called;
    const within = Array.isArray(args) ? walk(args) : 0;
    return op === 'rcall' && COMPREHENSIONS.has(args[0]) ? within + 1 : within;
  };
  const depth = walk(node);
  return { depth, looks, ...(forbidden === undefined ? {} : { forbidden }) };
}

const compiled = new WeakMap<CustomRule, Result<CompiledRule, string>>();

/** What a custom rule finds. One that cannot be evaluated is a finding itself: what nobody could check does not pass. */
export function findCustom(rule: CustomRule, facts: GateFacts, now: Millis): RuleFinding[] {
  let known = compiled.get(rule);
  if (!known) compiled.set(rule, (known = compileRule(rule)));
  if (!known.ok) return [unusable(rule, facts, known.error)];
  const found: RuleFinding[] = [];
  for (const { subject, context } of contextsOf(rule, facts, now)) {
    const items = Object.values(context)
      .flatMap((value) => Object.values(value))
      .reduce<number>((sum, value) => sum + (Array.isArray(value) ? value.length : 0), 1);
    if (items ** known.value.depth > BUDGET) {
      found.push(unusable(rule, facts, 'it would go over too many values'));
      break;
    }
    let fails: unknown;
    try {
      fails = known.value.evaluate(context);
    } catch (thrown) {
      found.push({ ...unusable(rule, facts, firstLine(thrown)), subject });
      continue;
    }
    if (fails === true) found.push({ subject, message: rule.message, mend: rule.mend });
  }
  return found;
}

/** The controls that a custom rule refers to; ids that no framework has are left to the lint. */
export function controlsOf(rule: CustomRule): readonly FrameworkReference[] {
  return rule.frameworks.map(controlOf).filter((one) => one !== undefined);
}

function unusable(rule: CustomRule, facts: GateFacts, why: string): RuleFinding {
  return {
    subject: integrationOf(facts),
    message: `The rule ${rule.id} could not be evaluated: ${why}.`,
    mend: `Mend the rule ${rule.id} of the policy.`,
  };
}

type Values = Record<string, Record<string, unknown>>;

function contextsOf(
  rule: CustomRule,
  facts: GateFacts,
  now: Millis,
): { subject: Subject; context: Values }[] {
  const { integration, agreement } = facts;
  const withRole = (role: string) =>
    facts.parties
      .filter((party) => (party.roles as readonly string[]).includes(role))
      .map(({ name }) => name)
      .sort();
  const shared: Values = {
    integration: {
      name: integration.name,
      purpose: integration.purpose,
      state: integration.state,
      riskTier: BigInt(integration.riskTier),
      dataClass: integration.dataClass,
      environments: integration.environments.toSorted(),
      shadow: integration.shadow,
      suppliers: withRole('supplier'),
      customers: withRole('customer'),
      subProcessors: withRole('sub_processor'),
      credentials: BigInt(facts.credentials.length),
    },
    agreement: {
      exists: agreement !== null,
      title: agreement?.title ?? '',
      authority: agreement?.authority ?? '',
      terms: BigInt(agreement?.terms.length ?? 0),
      containmentSteps: agreement?.containmentSteps ?? [],
    },
  };
  switch (rule.each) {
    case 'integration':
      return [{ subject: integrationOf(facts), context: shared }];
    case 'credential':
      return facts.credentials.map((credential) => ({
        subject: subjectOf('credential', credential),
        context: { ...shared, credential: credentialValues(credential, facts, now) },
      }));
    case 'location':
      return facts.credentials.flatMap((credential) =>
        credential.locations.map((location) => ({
          subject: subjectOf('location', location),
          context: {
            ...shared,
            credential: credentialValues(credential, facts, now),
            location: {
              name: location.name,
              kind: location.kind,
              arrivedBy: location.arrivedBy,
              provable: location.provable,
              party: partyName(facts, location.partyId),
              environments: location.environments.toSorted(),
            },
          },
        })),
      );
    case 'term':
      return (agreement?.terms ?? []).map((term) => ({
        subject: subjectOf('term', term),
        context: {
          ...shared,
          term: {
            name: term.name,
            direction: term.direction,
            trigger: term.trigger,
            hasWindow: term.window !== null,
            longestHours: BigInt(term.window ? longestHours(term.window, term.workingDays) : 0),
            recipients: BigInt(term.recipients.length),
          },
        },
      }));
  }
}

/** Days are whole and rounded down; unknown is -1. */
function credentialValues(
  credential: CredentialFacts,
  facts: GateFacts,
  now: Millis,
): Record<string, unknown> {
  const { version } = credential;
  const from = version?.activatedAt ?? version?.issuedAt ?? null;
  const issued = version?.issuedAt ?? version?.activatedAt ?? null;
  const drills = credential.paths
    .filter((path) => !path.retired)
    .flatMap((path) => (path.lastDrill?.passed && path.lastDrill.at <= now ? [path.lastDrill.at] : []));
  const days = (length: number | null) =>
    length === null ? -1n : BigInt(Math.max(0, Math.floor(length / ELAPSED_DAY)));
  return {
    name: credential.name,
    kind: credential.kind,
    environment: credential.environment,
    purpose: credential.purpose,
    revocability: credential.revocability,
    issuer: partyName(facts, credential.issuerPartyId),
    verifier: partyName(facts, credential.verifierPartyId),
    holders: credential.holderPartyIds.map((id) => partyName(facts, id)).sort(),
    hasOwner: credential.ownerContactId !== null,
    expires: version?.expiresAt !== null && version !== null,
    lifetimeDays: days(
      version?.expiresAt === null || version === null || issued === null ? null : version.expiresAt - issued,
    ),
    ageDays: days(from === null ? null : now - from),
    scopes: credential.scopes.map(({ name }) => name).sort(),
    unjustifiedScopes: credential.scopes
      .filter(({ justification }) => justification.trim() === '')
      .map(({ name }) => name)
      .sort(),
    stores: [...new Set(credential.locations.map(({ kind }) => kind as string))].sort(),
    sharedWith: credential.sharedWith.map(({ name }) => name).sort(),
    stopPaths: BigInt(credential.paths.filter((path) => !path.retired).length),
    drilledDaysAgo: days(drills.length === 0 ? null : now - Math.max(...drills)),
  };
}
