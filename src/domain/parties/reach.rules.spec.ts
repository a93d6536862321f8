import { expect, test } from '@jest/globals';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import { reachOf, type ReachableContact } from './reach.rules.ts';

const NOW = Date.UTC(2026, 10, 22);
const contact = (over: Partial<ReachableContact> = {}): ReachableContact => ({
  active: true,
  email: 'desk@example.test',
  phone: null,
  confirmedAt: NOW - ELAPSED_DAY,
  refused: false,
  ...over,
});

test.each<[string, Partial<ReachableContact>, string]>([
  ['confirmed lately', {}, 'reachable'],
  ['gone', { active: false }, 'unreachable'],
  ['without any address', { email: null }, 'unreachable'],
  ['whose mail was refused', { refused: true }, 'unreachable'],
  ['whose mail was refused, with a phone', { refused: true, phone: '+31 20 1' }, 'reachable'],
  ['by phone alone', { email: null, phone: '+31 20 1' }, 'reachable'],
  ['that never confirmed', { confirmedAt: null }, 'unconfirmed'],
  ['confirmed 180 days ago', { confirmedAt: NOW - 180 * ELAPSED_DAY }, 'reachable'],
  ['confirmed longer ago', { confirmedAt: NOW - 180 * ELAPSED_DAY - 1 }, 'unconfirmed'],
])('a contact %s', (_, over, state) => {
  expect(reachOf(contact(over), NOW).state).toBe(state);
});
