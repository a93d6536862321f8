import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { iso } from '../../kernel/time.ts';
import {
  canaryTouched,
  canaryWasDead,
  drillPassed,
  findingsOf,
  provable,
  type DrillRecord,
} from './drill-faults.rules.ts';
import { DRILL_FAULTS, type DrillExchange, type DrillFault, type Injection } from './drill.schema.ts';

const exchange = (
  kind: DrillExchange['kind'],
  outcome: string,
  at: number,
  injected?: DrillFault,
): DrillExchange => ({
  kind,
  outcome,
  why: 'why',
  asked: '',
  status: null,
  extract: '',
  path: 'p',
  from: iso(at),
  until: iso(at),
  ...(injected ? { injected } : {}),
});
const injection = (fault: DrillFault, at: number, more: Partial<Injection> = {}): Injection => ({
  fault,
  part: 'revoke',
  at: iso(at),
  did: 'did',
  reached: true,
  ...more,
});
const record = (more: Partial<DrillRecord>): DrillRecord => ({
  faults: [],
  injections: [],
  evidence: [],
  revokeSent: true,
  provenAt: null,
  rotation: null,
  ...more,
});
const verdict = (one: DrillRecord) => ({
  held: findingsOf(one).map(({ held }) => held),
  passed: drillPassed(one, findingsOf(one)),
});

describe('what came of a fault', () => {
  test.each(['response-lost', 'worker-dies'] as const)(
    '%s: a second revoke before any look fails',
    (fault) => {
      const base = { faults: [fault], injections: [injection(fault, 1000)], provenAt: 9000 };
      const looked = [exchange('probe', 'dead', 2000), exchange('probe', 'dead', 9000)];
      expect(verdict(record({ ...base, evidence: looked }))).toEqual({ held: [true], passed: true });
      const twice = [exchange('revoke', 'gone', 1500), ...looked];
      expect(verdict(record({ ...base, evidence: twice }))).toEqual({ held: [false], passed: false });
      expect(verdict(record({ ...base, evidence: [] }))).toEqual({ held: [false], passed: false });
    },
  );

  test('lying-200: a claimed death fails, and so does a lie that nobody looked behind', () => {
    const base = { faults: ['lying-200' as const], injections: [injection('lying-200', 1000)] };
    const evidence = [exchange('probe', 'live', 2000)];
    expect(verdict(record({ ...base, evidence }))).toEqual({ held: [true], passed: true });
    expect(verdict(record({ ...base, evidence, provenAt: 3000 }))).toEqual({ held: [false], passed: false });
    expect(verdict(record(base))).toEqual({ held: [false], passed: false });
  });

  test('invalid-new-secret: any revoke fails', () => {
    const base = {
      faults: ['invalid-new-secret' as const],
      injections: [injection('invalid-new-secret', 1000, { part: 'probe' })],
    };
    expect(verdict(record({ ...base, revokeSent: false }))).toEqual({ held: [true], passed: true });
    expect(verdict(record(base))).toEqual({ held: [false], passed: false });
  });

  test('supplier-rejects-reauthentication: one call too early fails, though the death was proven', () => {
    const fault = 'supplier-rejects-reauthentication' as const;
    const twice = [injection(fault, 1000), injection(fault, 3000)];
    expect(verdict(record({ faults: [fault], injections: twice, provenAt: 6000 }))).toEqual({
      held: [true],
      passed: true,
    });
    const early = [...twice, injection(fault, 4000, { early: true })];
    expect(verdict(record({ faults: [fault], injections: early, provenAt: 6000 }))).toEqual({
      held: [false],
      passed: false,
    });
  });
});

test('a canary that was refused before the revoke was dead; one that was revoked, or provoked, was not', () => {
  const dead = [exchange('probe', 'dead', 1)];
  const rotation = { made: true, validated: false, withdrawn: false };
  expect(canaryWasDead(record({ revokeSent: false, evidence: dead }))).toBe(true);
  expect(canaryWasDead(record({ revokeSent: true, evidence: dead }))).toBe(false);
  expect(canaryWasDead(record({ revokeSent: false, evidence: [] }))).toBe(false);
  const provoked = [exchange('probe', 'dead', 1, 'invalid-new-secret')];
  expect(canaryWasDead(record({ revokeSent: false, evidence: provoked }))).toBe(false);
  expect(canaryWasDead(record({ revokeSent: false, evidence: dead, rotation }))).toBe(false);
  expect(
    canaryWasDead(record({ revokeSent: false, evidence: dead, rotation: { ...rotation, validated: true } })),
  ).toBe(true);
});

test('without faults a drill passes when its death was proven, and never otherwise', () => {
  expect(verdict(record({ provenAt: 1 }))).toEqual({ held: [], passed: true });
  expect(verdict(record({}))).toEqual({ held: [], passed: false });
});

const anyRecord = fc
  .record({
    faults: fc.uniqueArray(fc.constantFrom(...DRILL_FAULTS)),
    happened: fc.array(
      fc.record({ fault: fc.constantFrom(...DRILL_FAULTS), at: fc.nat(9000), early: fc.boolean() }),
    ),
    evidence: fc.array(
      fc.record({
        kind: fc.constantFrom('probe' as const, 'revoke' as const, 'control' as const),
        outcome: fc.constantFrom('live', 'dead', 'accepted', 'indeterminate'),
        at: fc.nat(9000),
        injected: fc.option(fc.constantFrom(...DRILL_FAULTS), { nil: undefined }),
      }),
    ),
    revokeSent: fc.boolean(),
    provenAt: fc.option(fc.nat(9000)),
  })
  .map(({ faults, happened, evidence, revokeSent, provenAt }) =>
    record({
      faults,
      injections: happened
        .filter(({ fault }) => faults.includes(fault))
        .map(({ fault, at, early }) => injection(fault, at, early ? { early } : {})),
      evidence: evidence.map(({ kind, outcome, at, injected }) => exchange(kind, outcome, at, injected)),
      revokeSent,
      provenAt,
    }),
  );

describe('whatever happened', () => {
  test('nothing passes with an expectation that did not hold, nor with a proof that could not be', () => {
    fc.assert(
      fc.property(anyRecord, (one) => {
        const findings = findingsOf(one);
        expect(findings.map(({ fault }) => fault)).toEqual(one.faults);
        if (!drillPassed(one, findings)) return;
        expect(findings.every(({ held }) => held !== false)).toBe(true);
        expect(one.provenAt !== null).toBe(provable(one.faults));
      }),
    );
  });

  test('a canary that may have been revoked is never given back', () => {
    fc.assert(
      fc.property(anyRecord, (one) => {
        if (one.revokeSent && !one.faults.includes('lying-200')) expect(canaryTouched(one)).toBe(true);
      }),
    );
  });
});
