import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  containmentOf,
  LOCATION_VERDICTS,
  REVOCATIONS,
  SESSIONS,
  type CopyFacets,
  type DeathFacets,
} from './containment.rules.ts';

const now = 1_000_000;
const dead: DeathFacets = {
  versionId: 'v',
  label: 'Key',
  revocation: 'accepted',
  liveness: 'dead',
  probeable: true,
  sessions: 'none',
  sessionsUntil: null,
  statements: [],
  riskAcceptedUntil: null,
};
const gone: CopyFacets = { locationId: 'l', label: 'CI', verdict: 'gone', riskAcceptedUntil: null };
const of = (version: Partial<DeathFacets>, copy: Partial<CopyFacets> = {}) =>
  containmentOf([{ ...dead, ...version }], [{ ...gone, ...copy }], now);

describe('containment', () => {
  test('all proven: contained, no reason', () => {
    expect(of({})).toEqual({ state: 'contained', reasons: [], closable: true });
    expect(of({ sessions: 'ended' }).state).toBe('contained');
    expect(of({ sessions: 'residual', sessionsUntil: now }).state).toBe('contained');
  });

  test.each<[string, Partial<DeathFacets>, Partial<CopyFacets>, string, boolean, string]>([
    ['still accepted', { liveness: 'live' }, {}, 'open', false, 'alive'],
    [
      'still accepted, risk accepted',
      { liveness: 'live', riskAcceptedUntil: now + 1 },
      {},
      'open',
      false,
      'alive',
    ],
    ['accepted by the supplier, nobody looked', { liveness: null }, {}, 'open', false, 'not-looked-at'],
    ['looked, not proven', { liveness: 'indeterminate' }, {}, 'open', false, 'death-unproven-yet'],
    ['proven before it was known', { provenBefore: true }, {}, 'open', false, 'proven-before'],
    [
      'proven before, and no machine can look again',
      { provenBefore: true, probeable: false },
      {},
      'unproven',
      false,
      'death-unproven',
    ],
    ['no probe', { liveness: null, probeable: false }, {}, 'unproven', false, 'death-unproven'],
    [
      'no probe, statement',
      { liveness: null, probeable: false, statements: ['revoked'] },
      {},
      'unproven',
      true,
      'death-unproven',
    ],
    [
      'no probe, risk accepted',
      { liveness: null, probeable: false, riskAcceptedUntil: now + 1 },
      {},
      'unproven',
      true,
      'death-unproven',
    ],
    [
      'no probe, acceptance over',
      { liveness: null, probeable: false, riskAcceptedUntil: now },
      {},
      'unproven',
      false,
      'death-unproven',
    ],
    ['sessions unknown', { sessions: 'unknown' }, {}, 'unproven', false, 'sessions-unknown'],
    [
      'sessions unknown, statement',
      { sessions: 'unknown', statements: ['sessions_ended'] },
      {},
      'unproven',
      true,
      'sessions-unknown',
    ],
    [
      'sessions live on',
      { sessions: 'residual', sessionsUntil: now + 1 },
      {},
      'open',
      false,
      'sessions-residual',
    ],
    ['copy there', {}, { verdict: 'present' }, 'open', false, 'copy-present'],
    ['copy not looked at', {}, { verdict: null }, 'open', false, 'copy-not-looked-at'],
    ['copy unprovable', {}, { verdict: 'cannot_be_proven' }, 'unproven', false, 'copy-unprovable'],
    [
      'copy unprovable, accepted',
      {},
      { verdict: 'cannot_be_proven', riskAcceptedUntil: now + 1 },
      'unproven',
      true,
      'copy-unprovable',
    ],
  ])('%s', (_name, version, copy, state, closable, code) => {
    const containment = of(version, copy);
    expect(containment).toMatchObject({ state, closable });
    expect(containment.reasons.map((reason) => reason.code)).toEqual([code]);
  });

  const until = fc.option(fc.integer({ min: now - 5, max: now + 5 }));
  const version = fc.record<DeathFacets>({
    versionId: fc.uuid(),
    label: fc.constant('Key'),
    revocation: fc.constantFrom(...REVOCATIONS),
    liveness: fc.constantFrom('live', 'dead', 'indeterminate', null),
    provenBefore: fc.boolean(),
    probeable: fc.boolean(),
    sessions: fc.constantFrom(...SESSIONS),
    sessionsUntil: until,
    statements: fc.subarray(['revoked', 'sessions_ended', 'not_affected'] as const),
    riskAcceptedUntil: until,
  });
  const copy = fc.record<CopyFacets>({
    locationId: fc.uuid(),
    label: fc.constant('CI'),
    verdict: fc.constantFrom(...LOCATION_VERDICTS, null),
    riskAcceptedUntil: until,
  });

  test('contained exactly when every version is proven dead with its sessions over and every copy gone', () => {
    fc.assert(
      fc.property(
        fc.array(version, { maxLength: 4 }),
        fc.array(copy, { maxLength: 4 }),
        (versions, copies) => {
          const all =
            versions.every(
              (one) =>
                one.liveness === 'dead' &&
                !one.provenBefore &&
                (one.sessions === 'ended' ||
                  one.sessions === 'none' ||
                  (one.sessions === 'residual' && one.sessionsUntil !== null && one.sessionsUntil <= now)),
            ) && copies.every((one) => one.verdict === 'gone');
          const containment = containmentOf(versions, copies, now);
          expect(containment.state === 'contained').toBe(all);
          expect(containment.reasons.length === 0).toBe(all);
          if (versions.some((one) => one.liveness === 'live')) expect(containment.closable).toBe(false);
          // What the supplier said of the revocation changes nothing.
          expect(
            containmentOf(
              versions.map((one) => ({ ...one, revocation: 'accepted' as const })),
              copies,
              now,
            ),
          ).toEqual(containment);
        },
      ),
    );
  });

  test('one more exposed thing never makes it better', () => {
    const rank = { contained: 0, unproven: 1, open: 2 };
    fc.assert(
      fc.property(
        fc.array(version, { maxLength: 3 }),
        fc.array(copy, { maxLength: 3 }),
        version,
        (versions, copies, one) => {
          const [before, after] = [
            containmentOf(versions, copies, now),
            containmentOf([...versions, one], copies, now),
          ];
          expect(rank[after.state]).toBeGreaterThanOrEqual(rank[before.state]);
          if (after.closable) expect(before.closable).toBe(true);
        },
      ),
    );
  });
});
