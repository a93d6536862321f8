import { compileRule } from './custom.rules.ts';
import { controlOf } from './frameworks.rules.ts';
import { kindsOf, resolvePolicy, weightOf } from './inherit.rules.ts';
import { limitFor, type Policy, type PolicyFile } from './policy.schema.ts';
import { RULES } from './rules/registry.ts';
import { lengthWords, words } from './rules/finding.rules.ts';

/** What is wrong with a policy itself, whatever it is applied to. An `error` makes it unusable. */
export interface PolicyFlaw {
  policy: string;
  severity: 'error' | 'warning';
  field: string;
  problem: string;
  mend: string;
}

/** Static analysis of policies: what they inherit, rules that nobody has, that can never fire, or that contradict each other. */
export function lintPolicies(files: ReadonlyMap<string, PolicyFile>): PolicyFlaw[] {
  return [
    ...[...files.values()].flatMap((file) => lintPolicy(file, files)),
    ...ambiguities([...files.values()]),
  ];
}

function lintPolicy(file: PolicyFile, files: ReadonlyMap<string, PolicyFile>): PolicyFlaw[] {
  const resolved = resolvePolicy(file.policy, files);
  if (!resolved.ok)
    return resolved.error.map(({ field, problem, mend }) => ({
      policy: file.policy,
      severity: 'error',
      field,
      problem,
      mend,
    }));
  const policy = resolved.value;
  const flaws: PolicyFlaw[] = [];
  const flaw = (severity: PolicyFlaw['severity'], field: string, problem: string, mend: string) =>
    flaws.push({ policy: file.policy, severity, field, problem, mend });

  const known = new Set([...RULES.map(({ name }) => name), ...policy.custom.map(({ id }) => id)]);
  for (const name of Object.keys(file.rules)) {
    if (!known.has(name))
      flaw('error', `rules/${name}`, 'no rule has this name', `Rules: ${[...known].join(', ')}.`);
  }
  for (const name of policy.exceptions.never) {
    if (!known.has(name))
      flaw('error', `exceptions/never/${name}`, 'no rule has this name', 'Correct the name.');
    else if (policy.rules[name] === 'off')
      flaw(
        'error',
        `exceptions/never/${name}`,
        'no exception is allowed for a rule that is off',
        `Switch ${name} on, or take it out of the list.`,
      );
  }
  for (const rule of RULES) {
    const severity = policy.rules[rule.name] ?? rule.severity;
    if (severity === 'off') {
      if (file.rules[rule.name] === 'off')
        flaw(
          'warning',
          `rules/${rule.name}`,
          'the rule is switched off',
          'Switch it on, or accept that it never fires.',
        );
      continue;
    }
    const why = rule.idle?.(policy.limits);
    if (why !== undefined)
      flaw(
        'warning',
        `rules/${rule.name}`,
        `can never fire: ${why}`,
        'Set the limit, or switch the rule off.',
      );
  }
  lintCustom(file, policy, flaw);
  lintContradictions(policy, flaw);
  return flaws;
}

type Tell = (severity: PolicyFlaw['severity'], field: string, problem: string, mend: string) => void;

function lintCustom(file: PolicyFile, policy: Policy, flaw: Tell): void {
  const seen = new Set<string>();
  for (const rule of file.custom) {
    const field = `custom/${rule.id}`;
    if (RULES.some(({ name }) => name === rule.id))
      flaw('error', field, 'a rule of the product has this name', 'Give it another id.');
    if (seen.has(rule.id)) flaw('error', field, 'stands there twice', 'Give each rule an id of its own.');
    seen.add(rule.id);
    for (const id of rule.frameworks) {
      if (!controlOf(id))
        flaw(
          'error',
          `${field}/frameworks`,
          `no framework has the control ${id}`,
          'Correct the id, e.g. NHI7:2025.',
        );
    }
    const compiled = compileRule(rule);
    if (!compiled.ok) {
      flaw('error', `${field}/failsWhen`, compiled.error, 'Correct the expression.');
      continue;
    }
    if (!compiled.value.looks) {
      flaw(
        'error',
        `${field}/failsWhen`,
        alwaysTrue(compiled.value)
          ? 'it looks at no fact and fails always'
          : 'it looks at no fact and can never fire',
        'Ask about the integration, its agreement or what the rule is for.',
      );
    } else if (policy.rules[rule.id] === 'off') {
      flaw('warning', field, 'the rule is switched off', 'Switch it on, or remove it.');
    }
  }
}

function alwaysTrue(rule: { evaluate(context: Record<string, unknown>): unknown }): boolean {
  try {
    return rule.evaluate({}) === true;
  } catch {
    return false;
  }
}

function lintContradictions(policy: Policy, flaw: Tell): void {
  const { limits } = policy;
  for (const kind of [...kindsOf(limits.longestLifetime, limits.rotateEvery), 'any other kind']) {
    const [lifetime, every] = [limitFor(limits.longestLifetime, kind), limitFor(limits.rotateEvery, kind)];
    if (lifetime !== null && every !== null && every > lifetime) {
      flaw(
        'error',
        'limits/rotateEvery',
        `${words(kind)} is to be rotated every ${lengthWords(every)} and lives for ${lengthWords(lifetime)} at most: it would end before`,
        `Rotate ${words(kind)} at least every ${lengthWords(lifetime)}, or let it live longer.`,
      );
    }
  }
  if (limits.allowedStores.length === 0)
    flaw(
      'error',
      'limits/allowedStores',
      'no place is allowed, so that every stored credential fails',
      'Allow one.',
    );
  if (limits.revocability.length === 0)
    flaw(
      'error',
      'limits/revocability',
      'no revocability is allowed, so that every credential fails',
      'Allow one.',
    );
  const unstoppable = limits.revocability.filter((one) => one === 'impossible' || one === 'expiry_only');
  const stop = (name: string) => (policy.rules[name] ?? 'critical') !== 'off';
  if (limits.stopPathEachSide && unstoppable.length > 0 && stop('stop-path-each-side'))
    flaw(
      'warning',
      'limits/revocability',
      `${unstoppable.map(words).join(' and ')} is taken, and each side is to hold a path that stops it`,
      'Take it out of revocability, or set stopPathEachSide to false.',
    );
  if (policy.grace > policy.exceptions.longest)
    flaw(
      'warning',
      'grace',
      'a lost pass is tolerated longer than any exception may last',
      'Shorten the grace.',
    );
}

/** Two policies that apply equally to one integration: which one it inherits would be chance. */
function ambiguities(files: readonly PolicyFile[]): PolicyFlaw[] {
  const flaws: PolicyFlaw[] = [];
  const classes = [
    ...new Set(files.flatMap((file) => file.appliesTo?.dataClasses ?? [])),
    'any other',
  ].sort();
  const told = new Set<string>();
  for (const dataClass of classes) {
    for (const riskTier of [1, 2, 3, 4]) {
      const applying = files
        .map((file) => ({ file, weight: weightOf(file, { riskTier, dataClass }) }))
        .filter(({ weight }) => weight >= 0);
      const top = Math.max(-1, ...applying.map(({ weight }) => weight));
      const tied = applying
        .filter(({ weight }) => weight === top)
        .map(({ file }) => file.policy)
        .sort();
      const key = tied.join(' ');
      if (tied.length < 2 || told.has(key)) continue;
      told.add(key);
      flaws.push({
        policy: tied[0]!,
        severity: 'error',
        field: 'appliesTo',
        problem: `${tied.join(' and ')} apply equally to tier ${riskTier} with data class ${dataClass}`,
        mend: 'Let one of them name a data class or a tier that the other does not.',
      });
    }
  }
  return flaws;
}
