import { describe, expect, test } from '@jest/globals';
import { judgeMatch, sightingOf, type Candidate } from './exposure.rules.ts';

const candidate = (versionId: string, o: Partial<Candidate> = {}): Candidate => ({
  versionId,
  credentialId: `credential of ${versionId}`,
  integrationId: 'i',
  credentialKind: 'token',
  within: true,
  ...o,
});
const judged = (byValue: Candidate[], bySupplierId: Candidate[] = [], kind: string | null = null) =>
  judgeMatch({ kind }, { byValue, bySupplierId });

describe('a report is matched', () => {
  test('by its value, to every version that has it', () => {
    expect(judged([candidate('a'), candidate('b')], [candidate('c')])).toMatchObject({
      state: 'matched',
      match: 'value',
      versions: [{ versionId: 'a' }, { versionId: 'b' }],
    });
  });

  test('by its supplier id only where that names one credential', () => {
    expect(judged([], [candidate('a')])).toMatchObject({ state: 'matched', match: 'metadata' });
    const twoVersions = [candidate('a', { credentialId: 'c' }), candidate('b', { credentialId: 'c' })];
    expect(judged([], twoVersions)).toMatchObject({ state: 'matched', versions: [{}, {}] });
    expect(judged([], [candidate('a'), candidate('b')])).toMatchObject({
      state: 'triage',
      code: 'supplier-id-ambiguous',
      versions: [],
    });
    const twoKinds = [candidate('a'), candidate('b', { credentialKind: 'certificate' })];
    expect(judged([], twoKinds, 'token')).toMatchObject({ state: 'matched', versions: [{ versionId: 'a' }] });
  });

  test('to nothing: triage with a reason', () => {
    expect(judged([])).toMatchObject({
      state: 'triage',
      code: 'nothing-matches',
      match: 'none',
      reason: expect.any(String),
    });
  });

  test('outside the reporting party: triage, even by value; what is within counts alone', () => {
    const foreign = candidate('f', { within: false });
    expect(judged([foreign])).toMatchObject({
      state: 'triage',
      code: 'outside-the-reporter',
      match: 'value',
      versions: [{ versionId: 'f' }],
    });
    expect(judged([], [foreign])).toMatchObject({
      state: 'triage',
      code: 'outside-the-reporter',
      match: 'metadata',
    });
    expect(judged([foreign, candidate('own')])).toMatchObject({
      state: 'matched',
      versions: [{ versionId: 'own' }],
    });
    // A match on the value outside is never traded for a match on the id within.
    expect(judged([foreign], [candidate('own')])).toMatchObject({
      state: 'triage',
      code: 'outside-the-reporter',
    });
  });
});

test('a delivery seen before', () => {
  expect(sightingOf(null, false)).toBe('new');
  expect(sightingOf(null, true)).toBe('repeated');
  expect(sightingOf({ sameBody: true }, true)).toBe('redelivered');
  expect(sightingOf({ sameBody: false }, true)).toBe('conflicting');
});
