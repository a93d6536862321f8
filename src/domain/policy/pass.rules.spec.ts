import { describe, expect, test } from '@jest/globals';
import { passAfter } from './pass.rules.ts';

describe('the pass', () => {
  test.each([
    ['live', 'held', null, 'pass', null],
    ['live', 'held', null, 'refused', { to: 'lost', graceUntil: 110 }],
    ['live', 'lost', 150, 'refused', null],
    ['live', 'lost', 100, 'refused', { to: 'refused' }],
    ['live', 'lost', 150, 'pass', { to: 'held' }],
    ['live', 'refused', null, 'pass', { to: 'held' }],
    ['live', 'refused', null, 'refused', null],
    ['draft', 'refused', null, 'pass', null],
    ['suspended', 'held', null, 'refused', null],
  ] as const)('%s and %s until %s, %s: %j', (state, pass, graceUntil, verdict, expected) => {
    expect(passAfter({ state, pass, graceUntil }, verdict, 10, 100)).toEqual(expected);
  });
});
