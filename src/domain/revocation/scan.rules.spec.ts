import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeScan, readScan, type ScanFacts } from './scan.rules.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const facts = (over: Partial<ScanFacts> = {}): ScanFacts => ({
  path: 'deploy/app.env',
  covered: ['.'],
  succeeded: true,
  findings: [],
  known: true,
  seenBefore: true,
  scannedAt: NOW - 60_000,
  putAt: NOW - 3_600_000,
  now: NOW,
  ...over,
});

describe('a scan of a place', () => {
  test('that recognises the value, looked there and found nothing, shows that the copy is gone', () => {
    expect(judgeScan(facts()).verdict).toBe('gone');
    expect(judgeScan(facts({ covered: ['deploy'] })).verdict).toBe('gone');
    expect(judgeScan(facts({ covered: ['./deploy/app.env'] })).verdict).toBe('gone');
  });

  test('that found the value shows that it is there, whatever else is wrong with it', () => {
    const found = { findings: [{ path: './deploy/app.env', is: 'this' as const }] };
    expect(judgeScan(facts(found)).verdict).toBe('present');
    expect(judgeScan(facts({ ...found, succeeded: false, covered: [] })).verdict).toBe('present');
  });

  test.each<[string, Partial<ScanFacts>]>([
    ['did not look there', { covered: ['src', 'deploy/app.env.old'] }],
    ['names nothing', { covered: [] }],
    ['did not end', { succeeded: false }],
    ['is older than the copy', { scannedAt: NOW - 7_200_000 }],
    ['is from the future', { scannedAt: NOW + 3_600_000 }],
    ['masks what it found', { findings: [{ path: 'deploy/app.env', is: 'masked' }] }],
    ['has never found this value', { seenBefore: false }],
    ['has nothing to recognise it by', { known: false }],
    ['cannot name the place', { path: '' }],
  ])('that %s shows nothing', (_, over) => {
    expect(judgeScan(facts(over)).verdict).toBe('indeterminate');
  });

  test('that found it elsewhere has shown that it recognises it', () => {
    const elsewhere = [{ path: 'docs/old.md', is: 'this' as const }];
    expect(judgeScan(facts({ seenBefore: false, findings: elsewhere })).verdict).toBe('gone');
  });

  test('"gone" takes every one of its conditions', () => {
    fc.assert(
      fc.property(
        fc.record({
          path: fc.constantFrom('', 'a/b', 'a'),
          covered: fc.array(fc.constantFrom('.', 'a', 'a/b', 'c')),
          succeeded: fc.option(fc.boolean()),
          findings: fc.array(
            fc.record({
              path: fc.constantFrom('a/b', 'a', 'c'),
              is: fc.constantFrom('this' as const, 'other' as const, 'masked' as const),
            }),
          ),
          known: fc.boolean(),
          seenBefore: fc.boolean(),
          scannedAt: fc.integer({ min: NOW - 10_000_000, max: NOW + 10_000_000 }),
          putAt: fc.option(fc.integer({ min: NOW - 10_000_000, max: NOW })),
          now: fc.constant(NOW),
        }),
        (any) => {
          if (judgeScan(any).verdict !== 'gone') return;
          expect(any.path).not.toBe('');
          expect(any.known && any.succeeded !== false && any.covered.length > 0).toBe(true);
          expect(any.seenBefore || any.findings.some(({ is }) => is === 'this')).toBe(true);
          expect(any.putAt === null || any.scannedAt >= any.putAt).toBe(true);
          expect(any.findings.some(({ path, is }) => path === any.path && is !== 'other')).toBe(false);
        },
      ),
    );
  });
});

describe('the report of a scanner', () => {
  test('of gitleaks, with and without its values', () => {
    expect(
      readScan('gitleaks', [
        { File: 'a.env', Secret: 'v4lue', RuleID: 'generic' },
        { File: 'b.env', Secret: 'REDACTED' },
        { File: 'c.env', Secret: 'abc***' },
      ]),
    ).toEqual({
      tool: 'gitleaks',
      findings: [
        { path: 'a.env', secret: 'v4lue' },
        { path: 'b.env', secret: null },
        { path: 'c.env', secret: null },
      ],
      covered: [],
      succeeded: null,
    });
  });

  test('in SARIF, with what it looked at and whether it ended', () => {
    expect(
      readScan('sarif', {
        version: '2.1.0',
        runs: [
          {
            tool: { driver: { name: 'Scanner' } },
            invocations: [{ executionSuccessful: true }, { executionSuccessful: false }],
            artifacts: [{ location: { uri: 'a.env' } }],
            results: [
              {
                locations: [
                  {
                    physicalLocation: {
                      artifactLocation: { uri: 'a.env' },
                      region: { snippet: { text: 'v4lue' } },
                    },
                  },
                ],
              },
            ],
          },
        ],
      }),
    ).toEqual({
      tool: 'Scanner',
      findings: [{ path: 'a.env', secret: 'v4lue' }],
      covered: ['a.env'],
      succeeded: false,
    });
  });

  test('that is neither is not read', () => {
    expect(readScan('gitleaks', { runs: [] })).toBeUndefined();
    expect(readScan('gitleaks', [{ nothing: 1 }])).toBeUndefined();
    expect(readScan('sarif', [])).toBeUndefined();
    expect(readScan('sarif', { version: '1.0', runs: [] })).toBeUndefined();
  });
});
