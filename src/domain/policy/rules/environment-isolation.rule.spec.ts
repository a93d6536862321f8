import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { environmentIsolation } from './environment-isolation.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  environmentIsolation.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('environment-isolation', () => {
  test('says nothing of an integration that has everything', () => {
    expect(environmentIsolation.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('the same value elsewhere', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.sameValueAs.push({ id: 'b', name: 'Twin', environment: 'staging' });
      }),
    ).toMatchObject([{ message: expect.stringContaining('same value') }]);
  });

  test('the same value in the same environment is another rule', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.sameValueAs.push({ id: 'b', name: 'Twin', environment: 'production' });
      }),
    ).toEqual([]);
  });

  test('a place that serves two environments', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.locations[0]!.environments.push('staging');
      }),
    ).toMatchObject([{ subject: { kind: 'location', id: 'loc/staging' } }]);
  });

  test('an environment that nobody declared', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.environment = 'qa';
        facts.credentials[0]!.locations = [];
      }),
    ).toMatchObject([{ message: expect.stringContaining('qa') }]);
  });
});
