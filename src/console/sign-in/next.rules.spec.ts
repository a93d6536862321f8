import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nextOf } from './next.rules.ts';

describe('where to go after signing in', () => {
  test.each(['/', '/incidents/INC-2026-0001?after=x', '/portfolio?q=a%2Fb'])('%s is ours', (path) => {
    expect(nextOf(path)).toBe(path);
  });

  test.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    ' /x',
    'javascript:alert(1)',
    '',
    undefined,
    ['/a', '/b'],
    '/sign-in?next=/x',
  ])('%j leads to the first page', (path) => {
    expect(nextOf(path)).toBe('/');
  });

  test('no text leads to another host', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('/', '\\', '.', ':', '@', 'a', '\t', '\n', '?') }),
        (text) => {
          expect(new URL(nextOf(text), 'https://ours.example').host).toBe('ours.example');
        },
      ),
    );
  });
});
