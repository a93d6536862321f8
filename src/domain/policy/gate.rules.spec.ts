import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  BASELINE,
  days,
  factsWhere,
  NOW,
  policyNamed,
  policyTemplates,
  soundFacts,
} from '../../../test/support/gate-facts.ts';
import type { GateFacts } from './facts.schema.ts';
import { blocks, evaluateGate, type Evaluation, type StandingException } from './gate.rules.ts';
import { RULES } from './rules/registry.ts';

const POLICIES = [...policyTemplates().keys()].sort().map(policyNamed);
const keys = ({ findings }: Evaluation) =>
  findings.map((one) => `${one.rule} ${one.subject.kind} ${one.subject.id}`);
const blocking = (evaluation: Evaluation) =>
  new Set(evaluation.findings.filter(blocks).map((one) => `${one.rule} ${one.subject.id}`));

/** Facts with this and that taken away or made old, in any combination. */
const flaws: readonly ((facts: GateFacts) => void)[] = [
  (facts) => (facts.integration.ownerContactId = null),
  (facts) => (facts.integration.shadow = true),
  (facts) => (facts.integration.purpose = ''),
  (facts) => (facts.matrix = null),
  (facts) => facts.matrix?.attestations.pop(),
  (facts) => facts.matrix?.attestations.forEach((one) => (one.hash = 'bb')),
  (facts) => facts.matrix?.attestations.forEach((one) => (one.strength = 'mailbox')),
  (facts) => facts.matrix?.rows.splice(0, 3),
  (facts) => (facts.agreement = null),
  (facts) => facts.agreement?.terms.splice(1),
  (facts) => facts.agreement?.terms.forEach((one) => (one.window = null)),
  (facts) => facts.credentials.forEach((one) => (one.paths = [])),
  (facts) => facts.credentials.forEach((one) => one.paths.forEach((path) => (path.lastDrill = null))),
  (facts) =>
    facts.credentials.forEach((one) => one.paths.forEach((path) => (path.lastDrill!.at = NOW - days(800)))),
  (facts) => facts.credentials.forEach((one) => (one.version!.expiresAt = null)),
  (facts) => facts.credentials.forEach((one) => (one.version!.activatedAt = NOW - days(500))),
  (facts) => facts.credentials.forEach((one) => one.locations.forEach((place) => (place.provable = 'no'))),
  (facts) => facts.credentials.forEach((one) => one.locations.forEach((place) => (place.kind = 'laptop'))),
  (facts) =>
    facts.credentials.forEach((one) =>
      one.sharedWith.push({ id: 'other', name: 'Other', revokerPartyId: 'us' }),
    ),
  (facts) =>
    facts.credentials.forEach((one) =>
      one.sameValueAs.push({ id: 'twin', name: 'Twin', environment: 'staging' }),
    ),
  (facts) => facts.parties.forEach((one) => one.contacts.forEach((contact) => (contact.confirmedAt = null))),
  (facts) => (facts.runbooks[0]!.beforeNotice!.businessDays = 2),
];
const anyFacts = fc.subarray([...flaws.keys()]).map((chosen) =>
  factsWhere((facts) => {
    for (const at of chosen) {
      try {
        flaws[at]!(facts);
      } catch {
        // What an earlier flaw took away cannot be spoilt any more.
      }
    }
  }),
);
const anyPolicy = fc.constantFrom(...POLICIES);

describe('the gate', () => {
  test.each(POLICIES.map((policy) => [policy.policy, policy] as const))(
    'lets an integration that has everything pass under %s, with nothing to say',
    (_, policy) => {
      expect(evaluateGate(soundFacts(), policy, NOW).findings).toEqual([]);
      expect(evaluateGate(soundFacts(), policy, NOW).verdict).toBe('pass');
    },
  );

  test('every flaw is found by some policy', () => {
    for (const [at, flaw] of flaws.entries()) {
      const found = POLICIES.some(
        (policy) => evaluateGate(factsWhere(flaw), policy, NOW).findings.length > 0,
      );
      expect({ at, found }).toEqual({ at, found: true });
    }
  });

  test('a warning lets pass, a high finding does not', () => {
    const facts = factsWhere((one) => (one.integration.purpose = ''));
    expect(evaluateGate(facts, BASELINE, NOW)).toMatchObject({
      verdict: 'pass',
      findings: [{ rule: 'unstated-purpose', severity: 'warning' }],
    });
    expect(evaluateGate(facts, policyNamed('high-tier'), NOW)).toMatchObject({ verdict: 'refused' });
  });

  test('every rule has a name of its own, framework references and a title', () => {
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
    for (const rule of RULES) {
      expect(rule.frameworks.length).toBeGreaterThan(0);
      expect(rule.frameworks.every(({ framework }) => framework !== undefined)).toBe(true);
    }
  });
});

describe('exceptions', () => {
  const facts = factsWhere((one) => (one.credentials[0]!.locations[0]!.provable = 'no'));
  const exception: StandingException = {
    id: 'exc',
    rule: 'unprovable-location',
    subjectKind: 'location',
    subjectId: 'loc',
    expiresAt: NOW + days(5),
  };

  test('one lets one finding pass until it ends, and stays visible', () => {
    expect(evaluateGate(facts, BASELINE, NOW).verdict).toBe('refused');
    const passed = evaluateGate(facts, BASELINE, NOW, [exception]);
    expect(passed).toMatchObject({ verdict: 'pass', recheckAt: NOW + days(5) });
    expect(passed.findings[0]).toMatchObject({ exception: { id: 'exc' } });
    expect(evaluateGate(facts, BASELINE, NOW + days(5), [exception]).verdict).toBe('refused');
  });

  test('it covers no other subject and no rule that allows none', () => {
    expect(evaluateGate(facts, BASELINE, NOW, [{ ...exception, subjectId: 'loc-2' }]).verdict).toBe(
      'refused',
    );
    const unowned = factsWhere((one) => (one.integration.ownerContactId = null));
    const never = { ...exception, rule: 'no-owner', subjectKind: 'integration', subjectId: 'int' };
    expect(evaluateGate(unowned, BASELINE, NOW, [never]).verdict).toBe('refused');
  });
});

describe('properties', () => {
  test('the order of what is listed decides nothing, and asking twice answers the same', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, (facts, policy) => {
        const reversed: GateFacts = {
          ...facts,
          parties: facts.parties.toReversed(),
          credentials: facts.credentials
            .toReversed()
            .map((one) => ({ ...one, paths: one.paths.toReversed() })),
          matrix: facts.matrix && {
            ...facts.matrix,
            rows: facts.matrix.rows.toReversed(),
            attestations: facts.matrix.attestations.toReversed(),
          },
          agreement: facts.agreement && { ...facts.agreement, terms: facts.agreement.terms.toReversed() },
        };
        const once = evaluateGate(facts, policy, NOW);
        expect(evaluateGate(facts, policy, NOW)).toEqual(once);
        expect(evaluateGate(reversed, policy, NOW)).toEqual(once);
      }),
    );
  });

  test('more evidence never refuses what passed: a signature, a drill, a confirmation', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, fc.integer({ min: 0, max: 2 }), (facts, policy, which) => {
        const more = JSON.parse(JSON.stringify(facts)) as GateFacts;
        if (which === 0)
          for (const partyId of ['us', 'them'])
            more.matrix?.attestations.push({
              id: `more-${partyId}`,
              partyId,
              hash: more.matrix.hash,
              strength: 'detached_signature',
              at: NOW,
              expiresAt: null,
              origin: 'recorded',
            });
        if (which === 1)
          for (const credential of more.credentials)
            for (const path of credential.paths)
              path.lastDrill = { id: 'more', at: NOW, passed: true, minutes: 1, origin: 'recorded' };
        if (which === 2)
          for (const party of more.parties) for (const contact of party.contacts) contact.confirmedAt = NOW;
        const before = blocking(evaluateGate(facts, policy, NOW));
        for (const found of blocking(evaluateGate(more, policy, NOW))) expect(before).toContain(found);
      }),
    );
  });

  test('an exception never refuses what passed', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, fc.nat(20), (facts, policy, at) => {
        const bare = evaluateGate(facts, policy, NOW);
        const finding = bare.findings[at % Math.max(1, bare.findings.length)];
        if (!finding) return;
        const excepted = evaluateGate(facts, policy, NOW, [
          {
            id: 'exc',
            rule: finding.rule,
            subjectKind: finding.subject.kind,
            subjectId: finding.subject.id,
            expiresAt: NOW + 1,
          },
        ]);
        expect(keys(excepted)).toEqual(keys(bare));
        for (const found of blocking(excepted)) expect(blocking(bare)).toContain(found);
      }),
    );
  });

  test('nothing changes by age before the time at which it is to be looked at again', () => {
    fc.assert(
      fc.property(
        anyFacts,
        anyPolicy,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (facts, policy, part) => {
          const now = evaluateGate(facts, policy, NOW);
          const until = now.recheckAt ?? NOW + days(5000);
          const then = Math.floor(NOW + (until - 1 - NOW) * part);
          expect(keys(evaluateGate(facts, policy, then))).toEqual(keys(now));
        },
      ),
    );
  });

  test('each finding says what it is about and how to mend it', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, (facts, policy) => {
        for (const { subject, message, mend, frameworks } of evaluateGate(facts, policy, NOW).findings) {
          expect(subject.id).not.toBe('');
          expect(message).toMatch(/\.$/);
          expect(mend).toMatch(/\.$/);
          expect(frameworks.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});
