import { expect, test } from '@jest/globals';
import { handOf, system } from './principal.ts';

test('the system acts for the installation and holds no role', () => {
  expect(system('sequencer', 'c-1')).toEqual({
    kind: 'system',
    id: 'sequencer',
    roles: [],
    partyId: null,
    correlationId: 'c-1',
  });
});

test('a hand is the person, by session or token; else whoever made the token; never the token', () => {
  const token = (id: string, more: object = {}) => ({ id, ...more });
  expect(handOf(token('session', { personId: 'p' }))).toBe(handOf(token('token-1', { madeBy: 'p' })));
  expect(handOf(token('token-1', { madeBy: 'p' }))).toBe(handOf(token('token-2', { madeBy: 'p' })));
  expect(handOf(token('token-1', { madeBy: 'cli' }))).toBe(handOf(token('token-2', { madeBy: 'cli' })));
  expect(handOf(token('token-1', { madeBy: 'p' }))).not.toBe(handOf(token('token-1', { madeBy: 'q' })));
  expect(handOf(system('engine', 'c-1'))).toBe('engine');
});
