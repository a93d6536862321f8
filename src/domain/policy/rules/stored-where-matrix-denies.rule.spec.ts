import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { storedWhereMatrixDenies } from './stored-where-matrix-denies.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  storedWhereMatrixDenies.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('stored-where-matrix-denies', () => {
  test('says nothing of an integration that has everything', () => {
    expect(storedWhereMatrixDenies.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('the supplier keeps a copy', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.locations[0]!.partyId = 'them';
      }),
    ).toMatchObject([
      {
        subject: { kind: 'location', id: 'loc' },
        places: [{ says: 'Northwind' }, { says: 'belongs to Paylane' }],
      },
    ]);
  });

  test('a row for the credential lets it', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.locations[0]!.partyId = 'them';
        facts.matrix!.rows.push({
          duty: 'storage',
          part: '',
          credentialId: 'crd',
          accountablePartyId: 'us',
          performingPartyIds: ['them'],
          contactId: null,
        });
      }),
    ).toEqual([]);
  });
});
