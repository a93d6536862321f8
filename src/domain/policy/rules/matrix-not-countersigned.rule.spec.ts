import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { matrixNotCountersigned } from './matrix-not-countersigned.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  matrixNotCountersigned.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('matrix-not-countersigned', () => {
  test('says nothing of an integration that has everything', () => {
    expect(matrixNotCountersigned.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('no matrix', () => {
    expect(
      find((facts) => {
        facts.matrix = null;
      }),
    ).toMatchObject([{ subject: { kind: 'integration' } }]);
  });

  test('its signatures fell, or it was withdrawn', () => {
    const after = (how: 'fell' | 'withdrawn') =>
      find((facts) => {
        facts.matrix = null;
        facts.endedMatrix = { number: 3, how, at: how === 'fell' ? NOW : null };
      });
    expect(after('fell')).toMatchObject([
      { message: expect.stringMatching(/^The signatures under version 3 of the matrix fell on \d{4}-/) },
    ]);
    expect(after('withdrawn')).toMatchObject([{ message: 'Version 3 of the matrix was withdrawn.' }]);
  });

  test('one side has not signed', () => {
    expect(
      find((facts) => {
        facts.matrix!.attestations.pop();
      }),
    ).toMatchObject([
      { subject: { kind: 'matrix', id: 'mtx/them' }, message: expect.stringContaining('Paylane') },
    ]);
  });

  test('one side signed something else', () => {
    expect(
      find((facts) => {
        facts.matrix!.attestations[0]!.hash = 'bb';
      }),
    ).toMatchObject([{ message: expect.stringContaining('another content') }]);
  });

  test('a signature has expired', () => {
    expect(
      find((facts) => {
        facts.matrix!.attestations[0]!.expiresAt = NOW;
      }),
    ).toMatchObject([{ message: expect.stringContaining('expired') }]);
  });

  test('the matrix itself has ended', () => {
    expect(
      find((facts) => {
        facts.matrix!.validUntil = NOW;
      }),
    ).toHaveLength(2);
  });
});
