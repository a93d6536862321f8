import { expect, test } from '@jest/globals';
import { STATE_UNKNOWN, unknownOf } from './unknown-facts.rules.ts';

const dead = { state: 'dead' };

test('what is not established is named, and nothing else', () => {
  expect(unknownOf({ credentials: [dead], began: true, determined: true })).toBeNull();
  expect(unknownOf({ credentials: [], began: true, determined: true })).toEqual(['credentials']);
  expect(unknownOf({ credentials: [dead], began: false, determined: true })).toEqual(['began']);
  expect(unknownOf({ credentials: [dead], began: true, determined: false })).toEqual(['use']);
  expect(unknownOf({ credentials: [dead, { state: STATE_UNKNOWN }], began: true, determined: true })).toEqual(
    ['liveness'],
  );
  // Tried and without an answer is not the same as not asked.
  expect(unknownOf({ credentials: [{ state: 'indeterminate' }], began: true, determined: true })).toBeNull();
});
