import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { noStopPath } from './no-stop-path.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  noStopPath.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('no-stop-path', () => {
  test('says nothing of an integration that has everything', () => {
    expect(noStopPath.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('no path at all', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths = [];
      }),
    ).toMatchObject([{ subject: { kind: 'credential', id: 'crd' } }]);
  });

  test('only retired ones', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths.forEach((path) => (path.retired = true));
      }),
    ).toHaveLength(1);
  });

  test('what cannot be revoked is another finding', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.paths = [];
        facts.credentials[0]!.revocability = 'impossible';
      }),
    ).toEqual([]);
  });
});
