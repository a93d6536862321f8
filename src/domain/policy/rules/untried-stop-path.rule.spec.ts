import { describe, expect, test } from '@jest/globals';
import { days, factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { untriedStopPath } from './untried-stop-path.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  untriedStopPath.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('untried-stop-path', () => {
  test('says nothing of an integration that has everything', () => {
    expect(untriedStopPath.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('never tried', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths.forEach((path) => (path.lastDrill = null));
      }),
    ).toMatchObject([{ message: expect.stringContaining('ever tried') }]);
  });

  test('tried too long ago', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths.forEach((path) => (path.lastDrill!.at = NOW - days(365) - 1));
      }),
    ).toMatchObject([{ message: expect.stringContaining('2025-06-15') }]);
  });

  test('just in time', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths.forEach((path) => (path.lastDrill!.at = NOW - days(365)));
      }),
    ).toEqual([]);
  });

  test('failed', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths.forEach((path) => (path.lastDrill!.passed = false));
      }),
    ).toMatchObject([{ message: expect.stringContaining('failed') }]);
  });

  test('one that works is enough', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths[0]!.lastDrill = null;
      }),
    ).toEqual([]);
  });
});
