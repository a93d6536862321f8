import { describe, expect, test } from '@jest/globals';
import { policyTemplates } from '../../../test/support/gate-facts.ts';
import { expectOk } from '../../kernel/result.ts';
import { inheritedPolicy, parsePolicy, policyHash, resolvePolicy } from './inherit.rules.ts';
import { lintPolicies } from './lint.rules.ts';
import type { PolicyFile } from './policy.schema.ts';

function files(...texts: string[]): Map<string, PolicyFile> {
  const read = texts.map((text) => expectOk(parsePolicy(text, 'file')));
  return new Map([...policyTemplates(), ...read.map((file) => [file.policy, file] as const)]);
}
const policy = (body: string) =>
  `format: 1\npolicy: mine\ntitle: Mine\nversion: 1\nextends: baseline\n${body}`;
const flawsOf = (body: string) => lintPolicies(files(policy(body))).filter((flaw) => flaw.policy === 'mine');

describe('the templates', () => {
  test('are sound', () => {
    expect(lintPolicies(policyTemplates()).filter((flaw) => flaw.severity === 'error')).toEqual([]);
  });

  test.each([
    [1, 'internal', 'high-tier'],
    [2, 'internal', 'baseline'],
    [3, 'whatever', 'baseline'],
    [4, 'internal', 'low-tier'],
    [4, 'cardholder', 'regulated-financial'],
    [1, 'payment', 'regulated-financial'],
  ])('tier %i with data class %s inherits %s', (riskTier, dataClass, expected) => {
    expect(inheritedPolicy(policyTemplates(), { riskTier, dataClass })).toBe(expected);
  });

  test('what a child does not say it inherits, kind by kind', () => {
    const { limits, grace, lineage } = expectOk(resolvePolicy('regulated-financial', policyTemplates()));
    expect(lineage).toEqual(['regulated-financial', 'high-tier', 'baseline']);
    expect(limits.longestLifetime.kinds).toMatchObject({
      oauth_access_token: 90 * 86_400_000,
      certificate: 398 * 86_400_000,
    });
    expect(grace).toBe(3 * 86_400_000);
  });

  test('another content has another hash, and only then', () => {
    const high = expectOk(resolvePolicy('high-tier', policyTemplates()));
    expect(policyHash(high)).toBe(policyHash(JSON.parse(JSON.stringify(high)) as typeof high));
    expect(policyHash({ ...high, grace: high.grace + 1 })).not.toBe(policyHash(high));
  });
});

describe('a file that is no policy', () => {
  test.each([
    ['limits: { longestLifetme: { any: 1d } }', 'no such field'],
    ['limits: { drillAge: 0d }', 'a length of time'],
    ['limits: { drillAge: forever }', 'a length of time'],
    ['limits: { allowedStores: [pocket] }', 'must be one of: vault'],
    ['rules: { no-owner: fatal }', 'must be one of: critical'],
    ['limits: &here {}', ''],
    ['custom: [{ id: x }]', ''],
    ['title: twice', 'no YAML'],
  ])('%s is refused', (body, problem) => {
    const read = parsePolicy(policy(body), 'mine.yaml');
    if (body.includes('&here')) return expect(read.ok).toBe(true);
    expect(read.ok).toBe(false);
    if (!read.ok) expect(JSON.stringify(read.error)).toContain(problem);
    return undefined;
  });

  test('the wrong version of the format and no YAML at all are refused with the file', () => {
    expect(parsePolicy('format: 2', 'x.yaml')).toMatchObject({ ok: false });
    expect(parsePolicy('{', 'x.yaml')).toMatchObject({
      ok: false,
      error: [{ field: 'x.yaml', line: expect.any(Number) }],
    });
  });

  test('an unknown parent, a circle and an open limit are refused', () => {
    const lone = expectOk(parsePolicy('format: 1\npolicy: lone\ntitle: Lone\nversion: 1\ngrace: 1d', 'x'));
    expect(resolvePolicy('lone', new Map([['lone', lone]]))).toMatchObject({ ok: false });
    expect(resolvePolicy('lone', new Map([['lone', { ...lone, extends: 'lone' }]]))).toMatchObject({
      error: [{ problem: 'the policies inherit in a circle' }],
    });
    expect(resolvePolicy('lone', new Map([['lone', { ...lone, extends: 'gone' }]]))).toMatchObject({
      error: [{ problem: 'no policy is named gone' }],
    });
  });
});

describe('what the analysis finds', () => {
  test.each([
    [
      'a rotation interval longer than the lifetime',
      'limits: { longestLifetime: { kinds: { api_key: 30d } } }',
      'would end before',
    ],
    ['an unknown rule', 'rules: { no-onwer: high }', 'no rule has this name'],
    ['an exception list with an unknown rule', 'exceptions: { never: [nothing] }', 'no rule has this name'],
    ['no exception for a rule that is off', 'rules: { no-owner: "off" }', 'a rule that is off'],
    ['a rule that can never fire', 'limits: { justifyScopes: false }', 'can never fire'],
    ['no allowed store', 'limits: { allowedStores: [] }', 'no place is allowed'],
    [
      'a custom rule with an unknown field',
      'custom: [{ id: x, title: X, severity: high, each: credential, failsWhen: credential.ages > 3, message: M., mend: M. }]',
      'ages',
    ],
    [
      'a custom rule that can never fire',
      'custom: [{ id: x, title: X, severity: high, each: credential, failsWhen: 1 > 2, message: M., mend: M. }]',
      'can never fire',
    ],
    [
      'a custom rule with an unknown control',
      'custom: [{ id: x, title: X, severity: high, each: credential, failsWhen: credential.ageDays > 3, message: M., mend: M., frameworks: [PR.AC-4] }]',
      'no framework has the control PR.AC-4',
    ],
    [
      'a custom rule with the name of a rule of the product',
      'custom: [{ id: no-owner, title: X, severity: high, each: credential, failsWhen: credential.ageDays > 3, message: M., mend: M. }]',
      'a rule of the product has this name',
    ],
  ])('%s', (_, body, problem) => {
    expect(
      flawsOf(body)
        .map((flaw) => flaw.problem)
        .join('\n'),
    ).toContain(problem);
  });

  test('two policies that apply equally', () => {
    const flaws = lintPolicies(files(policy('appliesTo: { riskTiers: [1] }')));
    expect(flaws).toContainEqual(
      expect.objectContaining({
        severity: 'error',
        field: 'appliesTo',
        problem: expect.stringContaining('high-tier and mine'),
      }),
    );
  });
});
