import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import { quarantineStep, stateAfterQuarantine, type Ownership } from './quarantine.rules.ts';

const NOW = Date.UTC(2026, 10, 22);
const integration = (over: Partial<Ownership> = {}): Ownership => ({
  state: 'live',
  shadow: false,
  owned: false,
  unownedSince: null,
  ...over,
});

describe('an integration that nobody owns', () => {
  test.each<[string, Partial<Ownership>, ReturnType<typeof quarantineStep>]>([
    ['is marked at first', {}, 'mark'],
    ['is left for a day', { unownedSince: NOW - ELAPSED_DAY + 1 }, undefined],
    ['is quarantined after it', { unownedSince: NOW - ELAPSED_DAY }, 'quarantine'],
    ['stays quarantined', { state: 'quarantined', unownedSince: NOW - 9 * ELAPSED_DAY }, undefined],
    ['is let be while it is a draft', { state: 'draft' }, undefined],
    ['is not let be when it was found', { state: 'draft', shadow: true }, 'mark'],
    ['is let be once retired', { state: 'retired', unownedSince: NOW }, 'clear'],
    ['is released by an owner', { state: 'quarantined', owned: true, unownedSince: NOW }, 'release'],
    ['is forgotten with an owner in time', { owned: true, unownedSince: NOW }, 'clear'],
    ['has nothing to say with an owner', { owned: true }, undefined],
  ])('%s', (_, over, step) => {
    expect(quarantineStep(integration(over), NOW)).toBe(step);
  });

  test('comes back to where it was, but live only through the gate', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('draft', 'in_review', 'approved', 'live', 'suspended', null),
        (before) => stateAfterQuarantine(before) !== 'live' && stateAfterQuarantine(before) !== 'quarantined',
      ),
    );
    expect(stateAfterQuarantine('in_review')).toBe('in_review');
    expect(stateAfterQuarantine('live')).toBe('approved');
  });
});
