import { describe, expect, test } from '@jest/globals';
import { days, factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { rotationInterval } from './rotation-interval.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  rotationInterval.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('rotation-interval', () => {
  test('says nothing of an integration that has everything', () => {
    expect(rotationInterval.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('too old', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.version!.activatedAt = NOW - days(180) - 1;
      }),
    ).toMatchObject([{ mend: 'Rotate Checkout token.' }]);
  });

  test('just in time', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.version!.activatedAt = NOW - days(180);
      }),
    ).toEqual([]);
  });

  test('nothing is in use yet', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.version = null;
      }),
    ).toEqual([]);
  });
});
