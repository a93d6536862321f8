import { describe, expect, test } from '@jest/globals';
import { days, factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { longestLifetime } from './longest-lifetime.rule.ts';

const find = (change: Parameters<typeof factsWhere>[0], limits: Partial<typeof LIMITS> = {}) =>
  longestLifetime.find(factsWhere(change), { ...LIMITS, ...limits }, NOW);

describe('longest-lifetime', () => {
  test('says nothing of an integration that has everything', () => {
    expect(longestLifetime.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('it never ends', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.version!.expiresAt = null;
      }),
    ).toMatchObject([{ message: expect.stringContaining('never expires') }]);
  });

  test('it lives too long', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.version!.expiresAt = NOW + days(400);
      }),
    ).toMatchObject([{ message: expect.stringContaining('365 days') }]);
  });

  test('a kind has a limit of its own', () => {
    expect(
      find(
        (facts) => {
          facts.credentials[0]!.kind = 'api_key';
        },
        { longestLifetime: { any: 'never', kinds: { api_key: days(10) } } },
      ),
    ).toHaveLength(1);
  });

  test('nobody knows since when', () => {
    expect(
      find((facts) => {
        facts.credentials[0]!.version!.issuedAt = null;
        facts.credentials[0]!.version!.activatedAt = null;
      }),
    ).toMatchObject([{ message: expect.stringContaining('not known') }]);
  });

  test('no limit', () => {
    expect(
      find(
        (facts) => {
          facts.credentials[0]!.version!.expiresAt = null;
        },
        { longestLifetime: { any: 'never', kinds: {} } },
      ),
    ).toEqual([]);
  });
});
