import { describe, expect, test } from '@jest/globals';
import { factsWhere, LIMITS, NOW, soundFacts } from '../../../../test/support/gate-facts.ts';
import { tooManyConnections } from './too-many-connections.rule.ts';

const find = (said: number | null, most: number | 'unlimited') =>
  tooManyConnections.find(
    factsWhere((facts) => (facts.integration.maxConnections = said)),
    { ...LIMITS, maxConnections: most },
    NOW,
  );

describe('too-many-connections', () => {
  test('says nothing of an integration that has everything', () => {
    expect(tooManyConnections.find(soundFacts(), LIMITS, NOW)).toEqual([]);
  });

  test('as many as allowed pass, one more does not, and without a limit any number does', () => {
    expect(find(4, 4)).toEqual([]);
    expect(find(5, 4)).toMatchObject([
      { subject: { kind: 'integration' }, message: expect.stringContaining('up to 5 connections') },
    ]);
    expect(find(5, 'unlimited')).toEqual([]);
    expect(find(null, 4)).toEqual([]);
  });

  test('whatever was said, credentials in use are counted', () => {
    const facts = factsWhere(({ credentials }) => {
      const [one] = credentials;
      credentials.push({ ...one!, id: 'second' }, { ...one!, id: 'third', version: null });
    });
    const used = facts.credentials.filter(({ version }) => version !== null).length;
    const limit = (most: number) => tooManyConnections.find(facts, { ...LIMITS, maxConnections: most }, NOW);
    expect(limit(used)).toEqual([]);
    expect(limit(used - 1)).toMatchObject([
      { message: expect.stringContaining(`${used} credentials in use`) },
    ]);
  });

  test('is known to be idle where nothing is limited', () => {
    expect(tooManyConnections.idle?.({ ...LIMITS, maxConnections: 'unlimited' })).toBeDefined();
    expect(tooManyConnections.idle?.({ ...LIMITS, maxConnections: 3 })).toBeUndefined();
  });
});
