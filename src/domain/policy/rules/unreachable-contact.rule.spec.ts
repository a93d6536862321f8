import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { unreachableContact } from './unreachable-contact.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  unreachableContact.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('unreachable-contact', () => {
  test('says nothing of an integration that has everything', () => {
    expect(unreachableContact.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('no address and no number', () => {
    expect(
      find((facts) => {
        facts.parties[1]!.contacts[0]!.email = null;
      }),
    ).toMatchObject([{ subject: { kind: 'contact', id: 'them-desk' } }]);
  });

  test('somebody who is nobody here', () => {
    expect(
      find((facts) => {
        facts.agreement!.terms[0]!.recipients = ['stranger'];
      }),
    ).toMatchObject([{ subject: { id: 'int/stranger' } }]);
  });

  test('somebody who left', () => {
    expect(
      find((facts) => {
        facts.parties[1]!.contacts[0]!.active = false;
      }),
    ).toMatchObject([{ message: expect.stringContaining('no longer active') }]);
  });
});
