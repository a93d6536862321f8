import { expect, test } from '@jest/globals';
import { isSensitive } from './sensitive.rules.ts';

test.each([
  ['repo:delete', ['repo:delete'], true],
  ['repo:delete_all', ['repo:delete'], false],
  ['Org.Admin.Write', ['*admin*'], true],
  ['admin', ['*admin*'], true],
  ['payments.write', ['*.write'], true],
  ['payments.write', ['payments.*'], true],
  ['payments.read', ['*.write', 'admin'], false],
  ['ab', ['ab*b'], false],
  ['a.b.c.d', ['a.*.c.*'], true],
  ['anything', ['*'], true],
  ['anything', [], false],
])('%s under %j: %s', (scope, patterns, said) => {
  expect(isSensitive(scope, patterns)).toBe(said);
});

test('a pattern of many stars answers at once', () => {
  expect(isSensitive('a'.repeat(500), ['*a'.repeat(100) + '*b'])).toBe(false);
});
