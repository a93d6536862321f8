import { describe, expect, test } from '@jest/globals';
import { isWanted } from '../kernel/row-version.ts';
import { wantedBy } from './etag.ts';

describe('If-Match', () => {
  test.each([
    ['"3"', [3]],
    ['"1", "3"', [1, 3]],
    [' "1" ,W/"2","3"', [1, 3]],
    ['"elsewhere", "2"', [2]],
    ['*', [1, 2, 3]],
  ])('%s takes the versions %j of three', (header, taken) => {
    const wanted = wantedBy(header);
    expect([1, 2, 3].filter((version) => isWanted(version, wanted))).toEqual(taken);
  });

  test.each(['W/"3"', '3', '"x"', '', '"1', '"1" "2"', '*, "1"'])('%j names no version', (header) => {
    expect(() => wantedBy(header)).toThrow('no version');
  });
});
