import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { factsWhere, NOW, policyNamed } from '../../../test/support/gate-facts.ts';
import { sarifLog } from '../../../test/support/sarif.ts';
import { evaluateGate } from './gate.rules.ts';
import type { FindingView } from './gate.schema.ts';
import { renderReport, type GateReport, type Place } from './report.rules.ts';

const policy = { name: 'baseline', version: 1, hash: 'ab'.repeat(32) };
const report = (findings: readonly FindingView[], name = 'Checkout'): GateReport => ({
  integration: { id: 'int', reference: 'INT-2026-0001', name },
  verdict: findings.length > 0 ? 'refused' : 'pass',
  findings,
  policy,
  matrixHash: null,
  evidence: [],
});
const place = (file: string): Place => ({ file, lineOf: () => 7 });
const sarif = (reports: readonly GateReport[], where?: Place) =>
  sarifLog.safeParse(JSON.parse(renderReport(reports, 'sarif', where)));

/** What the rules themselves say of an integration that lacks nearly everything. */
function foundByRules(): FindingView[] {
  const bare = factsWhere((facts) => {
    facts.matrix = null;
    facts.agreement = null;
    facts.integration.ownerContactId = null;
    facts.credentials[0]!.paths = [];
    facts.credentials[0]!.version = null;
    facts.credentials[0]!.locations[0]!.kind = 'laptop';
  });
  return evaluateGate(bare, policyNamed('high-tier'), NOW).findings.map((one) => ({
    ...one,
    frameworks: one.frameworks.map((reference) => ({ ...reference })),
    places: one.places?.map((side) => ({ ...side })),
    exception: null,
  }));
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
const finding: fc.Arbitrary<FindingView> = fc.record({
  rule: fc.constantFrom('no-owner', 'allowed-stores', 'a-rule-of-their-own'),
  severity: fc.constantFrom('critical', 'high', 'warning'),
  subject: fc.record({ kind: fc.constantFrom('credential', 'location'), id: text, name: text }),
  message: text,
  mend: text,
  frameworks: fc.array(
    fc.record({ framework: fc.constantFrom('SOC 2', 'DORA'), id: fc.constantFrom('CC6.1', '30(1)') }),
  ),
  exception: fc.option(fc.record({ id: fc.uuid(), expiresAt: fc.constant('2027-01-01T00:00:00.000Z') })),
});

describe('SARIF', () => {
  test('of everything that the rules find is as the standard has it', () => {
    const findings = foundByRules();
    expect(new Set(findings.map(({ rule }) => rule)).size).toBeGreaterThan(5);
    const read = sarif([report(findings)], place('deploy/countersign.yaml'));
    expect(read.error).toBeUndefined();
    expect(read.data!.runs[0]!.results).toHaveLength(findings.length);
    expect(read.data!.runs[0]!.tool.driver.rules.find(({ id }) => id === 'no-owner')!.name).toBe('NoOwner');
  });

  test('of a pass has a run without results', () => {
    expect(sarif([report([])]).data!.runs).toMatchObject([{ results: [] }]);
    expect(sarif([]).error).toBeUndefined();
  });

  test('whatever names, rules and files there are', () => {
    fc.assert(
      fc.property(fc.array(fc.array(finding, { maxLength: 5 }), { maxLength: 3 }), text, (lists, file) => {
        const path = file.replaceAll('/', '_');
        const read = sarif(
          lists.map((one) => report(one, file)),
          place(`deploy/${path}`),
        );
        expect(read.error).toBeUndefined();
        const uris = read.data!.runs.flatMap(({ results }) =>
          results.flatMap(({ locations }) =>
            locations.map((one) => one.physicalLocation!.artifactLocation.uri),
          ),
        );
        for (const uri of uris) expect(decodeURIComponent(uri)).toBe(`deploy/${path.toWellFormed()}`);
      }),
    );
  });

  test('the check itself refuses what the standard does not know', () => {
    const log = JSON.parse(renderReport([report(foundByRules())], 'sarif', place('x.yaml')));
    for (const spoil of [
      (run: (typeof log.runs)[0]) => (run.results[0].ruleIndex = 999),
      (run: (typeof log.runs)[0]) => (run.results[0].level = 'fatal'),
      (run: (typeof log.runs)[0]) => (run.results[0].locations[0].physicalLocation.region.startLine = 0),
      (run: (typeof log.runs)[0]) => (run.tool.driver.version_ = '1'),
      (run: (typeof log.runs)[0]) => (run.tool.driver.rules[0].name = run.tool.driver.rules[0].id),
    ]) {
      const spoiled = structuredClone(log);
      spoil(spoiled.runs[0]);
      expect(sarifLog.safeParse(spoiled).success).toBe(false);
    }
  });
});
