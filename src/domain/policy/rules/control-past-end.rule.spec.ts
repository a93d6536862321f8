import { describe, expect, test } from '@jest/globals';
import { BASELINE, days, factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { evaluateGate } from '../gate.rules.ts';
import { controlPastEnd } from './control-past-end.rule.ts';

const fastPath = (until: number) =>
  factsWhere((facts) => {
    facts.controls = [
      { id: 'onboarding', what: 'fast_path', control: 'Looked at every month.', until, finding: null },
    ];
  });

/** An exception that ended, for a path that nobody tried. */
const excepted = (tried: boolean) =>
  factsWhere((facts) => {
    const [credential] = facts.credentials;
    if (!tried) credential!.paths.forEach((path) => (path.lastDrill = null));
    facts.controls = [
      {
        id: 'exception',
        what: 'exception',
        control: 'Its use is watched.',
        until: NOW,
        finding: {
          rule: 'untried-stop-path',
          subject: { kind: 'credential', id: credential!.id, name: credential!.name },
        },
      },
    ];
  });
const findings = (facts: Parameters<typeof evaluateGate>[0]) =>
  evaluateGate(facts, BASELINE, NOW).findings.filter(({ rule }) => rule === 'control-past-end');

describe('control-past-end', () => {
  test('says nothing of an integration that has everything', () => {
    expect(controlPastEnd.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('the control of the fast path holds to its end and no longer, and is looked at when it ends', () => {
    expect(findings(fastPath(NOW + 1))).toEqual([]);
    expect(evaluateGate(fastPath(NOW + 1), BASELINE, NOW).recheckAt).toBe(NOW + 1);
    expect(findings(fastPath(NOW))).toMatchObject([
      {
        subject: { kind: 'integration' },
        message: expect.stringContaining('Looked at every month.'),
        mend: expect.stringContaining('access review'),
      },
    ]);
  });

  test('an exception past its end is named beside what it let pass', () => {
    const all = evaluateGate(excepted(false), BASELINE, NOW + days(1)).findings.map(({ rule }) => rule);
    expect(all).toEqual(expect.arrayContaining(['control-past-end', 'untried-stop-path']));
  });

  test('where what was excepted is mended, nothing is left to say', () => {
    expect(findings(excepted(true))).toEqual([]);
  });

  test('under another exception that stands, the old one is over', () => {
    const facts = excepted(false);
    const [{ finding }] = facts.controls as [NonNullable<typeof facts.controls>[number]];
    const standing = {
      id: 'new',
      rule: finding!.rule,
      subjectKind: finding!.subject.kind,
      subjectId: finding!.subject.id,
      expiresAt: NOW + days(5),
    };
    expect(
      evaluateGate(facts, BASELINE, NOW, [standing]).findings.filter(
        ({ rule }) => rule === 'control-past-end',
      ),
    ).toEqual([]);
  });
});
