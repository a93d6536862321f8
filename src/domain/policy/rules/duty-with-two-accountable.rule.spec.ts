import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { dutyWithTwoAccountable } from './duty-with-two-accountable.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  dutyWithTwoAccountable.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('duty-with-two-accountable', () => {
  test('says nothing of an integration that has everything', () => {
    expect(dutyWithTwoAccountable.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('two answer for the same part', () => {
    expect(
      find((facts) => {
        facts.matrix!.rows.push({ ...facts.matrix!.rows[0]!, accountablePartyId: 'them' });
      }),
    ).toMatchObject([{ message: 'Northwind and Paylane are both accountable for admission.' }]);
  });

  test('two parts may have two', () => {
    expect(
      find((facts) => {
        facts.matrix!.rows.push({ ...facts.matrix!.rows[0]!, part: 'staging', accountablePartyId: 'them' });
      }),
    ).toEqual([]);
  });
});
