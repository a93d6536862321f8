import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';
import { controlsOf, findCustom } from './custom.rules.ts';
import type { FrameworkReference } from './frameworks.rules.ts';
import type { GateFacts } from './facts.schema.ts';
import { limitFor, SEVERITIES, type Policy, type Severity } from './policy.schema.ts';
import { controlPastEnd } from './rules/control-past-end.rule.ts';
import { RULES } from './rules/registry.ts';
import type { Rule, RuleFinding } from './rules/finding.rules.ts';

/** An exception as the gate needs it: approved, not withdrawn. */
export interface StandingException {
  id: string;
  rule: string;
  subjectKind: string;
  subjectId: string;
  expiresAt: Millis;
}

export interface GateFinding extends RuleFinding {
  rule: string;
  severity: Severity;
  frameworks: readonly FrameworkReference[];
  /** The exception that lets it pass, and until when. */
  exception: { id: string; expiresAt: Millis } | null;
}

export interface Evaluation {
  verdict: 'pass' | 'refused';
  /** The worst first. */
  findings: GateFinding[];
  /** When the verdict or a finding may change although nobody changes anything; null: never. */
  recheckAt: Millis | null;
}

/**
 * The decision that lets an integration into production. Refused by any critical or high finding that no exception covers.
 * Depends on nothing but its arguments, and not on the order of what they list.
 */
export function evaluateGate(
  facts: GateFacts,
  policy: Policy,
  now: Millis,
  exceptions: readonly StandingException[] = [],
): Evaluation {
  const standing = exceptions.filter(
    (one) => one.expiresAt > now && !policy.exceptions.never.includes(one.rule),
  );
  const covered = (rule: string, { subject }: RuleFinding): GateFinding['exception'] => {
    const own = standing
      .filter((one) => one.rule === rule && one.subjectKind === subject.kind && one.subjectId === subject.id)
      .sort((a, b) => b.expiresAt - a.expiresAt || (a.id < b.id ? -1 : 1))[0];
    return own ? { id: own.id, expiresAt: own.expiresAt } : null;
  };
  const findings: GateFinding[] = [];
  const ask = (rule: Rule, of: GateFacts) => {
    const severity = policy.rules[rule.name] ?? rule.severity;
    if (severity === 'off') return;
    for (const found of rule.find(of, policy.limits, now)) {
      findings.push({
        ...found,
        rule: rule.name,
        severity,
        frameworks: rule.frameworks,
        exception: covered(rule.name, found),
      });
    }
  };
  for (const rule of RULES) if (rule !== controlPastEnd) ask(rule, facts);
  for (const rule of policy.custom) {
    const severity = policy.rules[rule.id] ?? rule.severity;
    if (severity === 'off') continue;
    for (const found of findCustom(rule, facts, now)) {
      findings.push({
        ...found,
        rule: rule.id,
        severity,
        frameworks: controlsOf(rule),
        exception: covered(rule.id, found),
      });
    }
  }
  ask(controlPastEnd, { ...facts, controls: missed(facts, findings) });
  findings.sort(
    (a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      compare(a.rule, b.rule) ||
      compare(a.subject.name, b.subject.name) ||
      compare(a.subject.id, b.subject.id) ||
      compare(a.message, b.message),
  );
  return {
    verdict: findings.some(blocks) ? 'refused' : 'pass',
    findings,
    recheckAt: recheckAt(facts, policy, now, standing),
  };
}

/** Controls but those of exceptions from what is mended by now, or excepted anew. */
function missed({ controls = [] }: GateFacts, findings: readonly GateFinding[]): GateFacts['controls'] {
  return controls.filter(
    ({ finding: of }) =>
      of === null ||
      findings.some(
        ({ rule, subject, exception }) =>
          exception === null &&
          rule === of.rule &&
          subject.kind === of.subject.kind &&
          subject.id === of.subject.id,
      ),
  );
}

/** Whether a finding keeps an integration out of production. */
export function blocks(finding: Pick<GateFinding, 'severity' | 'exception'>): boolean {
  return finding.severity !== 'warning' && finding.exception === null;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The first instant after `now` at which evidence ages, a review falls due or an exception ends. */
function recheckAt(
  facts: GateFacts,
  policy: Policy,
  now: Millis,
  exceptions: readonly StandingException[],
): Millis | null {
  const { limits } = policy;
  const at: (Millis | null)[] = [
    facts.matrix?.validUntil ?? null,
    facts.agreement?.validUntil ?? null,
    ...(facts.matrix?.attestations ?? []).flatMap((one) => [one.at, one.expiresAt]),
    ...facts.parties.flatMap((party) =>
      party.contacts.map(({ confirmedAt }) =>
        confirmedAt === null ? null : confirmedAt + limits.contactFreshness + 1,
      ),
    ),
    ...facts.credentials.flatMap((credential) => {
      const every = limitFor(limits.rotateEvery, credential.kind);
      const from = credential.version?.activatedAt ?? credential.version?.issuedAt ?? null;
      return [
        every === null || from === null ? null : from + every + 1,
        ...credential.paths.flatMap(({ lastDrill }) =>
          lastDrill ? [lastDrill.at, lastDrill.at + limits.drillAge + 1] : [],
        ),
      ];
    }),
    ...facts.accessReviews.map(({ dueAt }) => dueAt + 1),
    ...exceptions.map((one) => one.expiresAt),
    ...(facts.controls ?? []).map(({ until }) => until),
    // Ages that a custom rule sees change every day.
    ...(policy.custom.length > 0 ? [now + ELAPSED_DAY] : []),
  ];
  if (facts.agreement?.reviewOn) {
    const review = Date.parse(`${facts.agreement.reviewOn}T00:00:00Z`);
    at.push(review - limits.reviewEvery, review + 2 * ELAPSED_DAY);
  }
  const coming = at.filter((one) => one !== null && one > now) as Millis[];
  return coming.length === 0 ? null : coming.reduce((first, one) => Math.min(first, one));
}
