import { describe, expect, test } from '@jest/globals';
import { neededFor } from './value-needs.rules.ts';

describe('what a value is needed for that is not at hand', () => {
  test.each([
    ['no machine is agreed', [], null],
    ['the supplier takes an id for both', [{ revoke: 'id', probe: 'id' }], null],
    ['the supplier wants to see it', [{ revoke: 'value', probe: 'value' }], 'revoke_and_probe'],
    ['only the look shows it', [{ revoke: 'id', probe: 'value' }], 'probe'],
    ['only the revocation names it', [{ revoke: 'value', probe: 'id' }], 'revoke'],
    [
      'another machine does without',
      [
        { revoke: 'value', probe: 'value' },
        { revoke: 'id', probe: 'no' },
      ],
      'probe',
    ],
    ['no machine can do it at all', [{ revoke: 'no', probe: 'no' }], null],
  ] as const)('%s', (_name, ways, needed) => {
    expect(neededFor(ways)).toBe(needed);
  });
});
