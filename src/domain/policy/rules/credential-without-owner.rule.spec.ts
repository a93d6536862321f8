import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { credentialWithoutOwner } from './credential-without-owner.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  credentialWithoutOwner.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('credential-without-owner', () => {
  test('says nothing of an integration that has everything', () => {
    expect(credentialWithoutOwner.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('nobody owns the credential', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.ownerContactId = null;
      }),
    ).toMatchObject([{ subject: { kind: 'credential', id: 'crd' } }]);
  });

  test('an owner who left is none', () => {
    expect(
      find((facts) => {
        facts.parties[0]!.contacts[0]!.active = false;
      }),
    ).toHaveLength(1);
  });
});
