import { expect, test } from '@jest/globals';
import { system } from './principal.ts';

test('the system acts for the installation and holds no role', () => {
  expect(system('sequencer', 'c-1')).toEqual({
    kind: 'system',
    id: 'sequencer',
    roles: [],
    partyId: null,
    correlationId: 'c-1',
  });
});
