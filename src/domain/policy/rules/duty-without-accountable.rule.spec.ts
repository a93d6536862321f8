import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { dutyWithoutAccountable } from './duty-without-accountable.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  dutyWithoutAccountable.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('duty-without-accountable', () => {
  test('says nothing of an integration that has everything', () => {
    expect(dutyWithoutAccountable.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('a duty that nobody has', () => {
    expect(
      find((facts) => {
        facts.matrix!.rows = facts.matrix!.rows.filter((row) => row.duty !== 'downstream_impact');
      }),
    ).toMatchObject([{ message: 'No party is accountable for downstream impact.' }]);
  });

  test('a row for one credential is not the whole duty', () => {
    expect(
      find((facts) => {
        facts.matrix!.rows[1]!.credentialId = 'crd';
      }),
    ).toMatchObject([{ message: 'No party is accountable for issuance.' }]);
  });

  test('nobody performs it', () => {
    expect(
      find((facts) => {
        facts.matrix!.rows[0]!.performingPartyIds = [];
      }),
    ).toMatchObject([{ message: 'No party performs admission.' }]);
  });

  test('without a matrix another rule speaks', () => {
    expect(
      find((facts) => {
        facts.matrix = null;
      }),
    ).toEqual([]);
  });
});
