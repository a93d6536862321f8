import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { noCredential } from './no-credential.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  noCredential.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('no-credential', () => {
  test('says nothing of an integration that has everything', () => {
    expect(noCredential.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('nothing is declared', () => {
    expect(
      find((facts) => {
        facts.credentials = [];
      }),
    ).toMatchObject([{ mend: expect.stringContaining('Declare') }]);
  });
});
