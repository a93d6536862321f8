import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { revocationDutyWithoutPath } from './revocation-duty-without-path.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  revocationDutyWithoutPath.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('revocation-duty-without-path', () => {
  test('says nothing of an integration that has everything', () => {
    expect(revocationDutyWithoutPath.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('only the other side could', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths = facts.credentials[0]!.paths.filter((path) => path.partyId === 'us');
      }),
    ).toMatchObject([{ places: [{ says: 'Paylane revokes' }, { says: 'Northwind' }] }]);
  });

  test('whoever performs it counts', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths = facts.credentials[0]!.paths.filter((path) => path.partyId === 'us');
        facts.matrix!.rows.find((row) => row.duty === 'revocation')!.performingPartyIds = ['us'];
      }),
    ).toEqual([]);
  });
});
