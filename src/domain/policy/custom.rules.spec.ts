import { describe, expect, test } from '@jest/globals';
import { factsWhere, NOW, soundFacts } from '../../../test/support/gate-facts.ts';
import { compileRule, findCustom } from './custom.rules.ts';
import type { CustomRule } from './policy.schema.ts';

function rule(failsWhen: string, each: CustomRule['each'] = 'credential'): CustomRule {
  return {
    id: 'mine',
    title: 'Mine',
    severity: 'high',
    each,
    failsWhen,
    message: 'It fails.',
    mend: 'Mend it.',
    frameworks: ['NHI5:2025'],
  };
}

describe('a custom rule', () => {
  test.each<[CustomRule['each'], string, boolean]>([
    ['credential', 'credential.ageDays > 19', true],
    ['credential', 'credential.ageDays > 20', false],
    ['credential', "credential.kind == 'oauth_access_token' && integration.riskTier <= 2", true],
    [
      'credential',
      "credential.scopes.exists(s, s.endsWith('.write')) && credential.holders.size() == 1",
      true,
    ],
    ['credential', 'credential.drilledDaysAgo < 0', false],
    ['integration', "!('eu' in integration.environments) && agreement.exists", true],
    ['location', "location.kind == 'vault' && credential.expires", true],
    ['term', 'term.longestHours >= 24', true],
  ])('of each %s: %s', (each, expression, fails) => {
    expect(findCustom(rule(expression, each), soundFacts(), NOW).length > 0).toBe(fails);
  });

  test('names its subject', () => {
    expect(findCustom(rule("location.kind == 'vault'", 'location'), soundFacts(), NOW)).toEqual([
      {
        subject: { kind: 'location', id: 'loc', name: 'Payments vault' },
        message: 'It fails.',
        mend: 'Mend it.',
      },
    ]);
  });
});

describe('the sandbox', () => {
  test.each([
    ['an unknown field', 'credential.colour == 1'],
    ['an unknown variable', 'process.env.size() > 0'],
    ['a variable of another subject', 'location.kind == "vault"'],
    ['a constructor', 'credential.constructor.constructor("return 1")() == 1'],
    ['no boolean', 'credential.ageDays'],
    ['an assignment', 'credential.ageDays = 1'],
    ['a regular expression', 'credential.name.matches("(a+)+$")'],
    [
      'three loops in each other',
      'credential.scopes.all(a, credential.scopes.all(b, credential.scopes.all(c, a == b && b == c)))',
    ],
    ['a long expression', Array.from({ length: 120 }, () => 'credential.ageDays > 1').join(' && ')],
  ])('refuses %s', (_, expression) => {
    expect(compileRule(rule(expression))).toMatchObject({ ok: false });
    // Whoever uses it nevertheless is not let through.
    expect(findCustom(rule(expression), soundFacts(), NOW)[0]?.message).toMatch(/could not be evaluated/);
  });

  test('an evaluation that would go over too much is a finding and costs nothing', () => {
    const facts = factsWhere((one) => {
      one.credentials[0]!.scopes = Array.from({ length: 5000 }, (_, at) => ({
        name: `scope-${at}`,
        description: '',
        justification: 'x',
      }));
    });
    const nested = rule('credential.scopes.all(a, credential.scopes.exists(b, a != b))');
    const before = performance.now();
    expect(findCustom(nested, facts, NOW)).toMatchObject([
      { message: expect.stringContaining('too many values') },
    ]);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
