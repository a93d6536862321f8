import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { conflictOf, separationRefusal, type Part } from './separation.rules.ts';

const STRICT = [['request', 'approve', 'issue', 'operate']];
const LOW = [['request', 'approve']];

describe('who may do what next', () => {
  test.each<[string, string[][], Part[], Part, string | null]>([
    ['another person', STRICT, [{ act: 'request', who: 'a' }], { act: 'approve', who: 'b' }, null],
    [
      'approving one’s own request',
      STRICT,
      [{ act: 'request', who: 'a' }],
      { act: 'approve', who: 'a' },
      'request',
    ],
    [
      'operating what one issued',
      STRICT,
      [{ act: 'issue', who: 'a' }],
      { act: 'operate', who: 'a' },
      'issue',
    ],
    ['approving twice', STRICT, [{ act: 'approve', who: 'a' }], { act: 'approve', who: 'a' }, null],
    [
      'issuing one’s own request on the fast path',
      LOW,
      [{ act: 'request', who: 'a' }],
      { act: 'issue', who: 'a' },
      null,
    ],
    [
      'approving one’s own request on the fast path',
      LOW,
      [{ act: 'request', who: 'a' }],
      { act: 'approve', who: 'a' },
      'request',
    ],
    ['nothing kept apart', [], [{ act: 'request', who: 'a' }], { act: 'approve', who: 'a' }, null],
    [
      'two groups, one hit',
      [
        ['request', 'approve'],
        ['issue', 'operate'],
      ],
      [{ act: 'issue', who: 'a' }],
      { act: 'operate', who: 'a' },
      'issue',
    ],
  ])('%s', (_name, groups, before, next, expected) => {
    expect(conflictOf(groups, before, next)).toBe(expected);
  });

  test('the refusal names both parts and says what to do', () => {
    expect(separationRefusal('Onboard', 'operate', 'issue')).toMatchObject({
      kind: 'forbidden',
      code: 'separation-of-duties',
      message: expect.stringMatching(/"issue".*"operate".*another person/),
    });
  });

  const act: fc.Arbitrary<string> = fc.constantFrom('request', 'approve', 'issue', 'operate', 'watch');
  const part = fc.record({ act, who: fc.constantFrom('a', 'b', 'c', 'd') });
  const groups = fc.array(fc.uniqueArray(act, { minLength: 2, maxLength: 4 }), { maxLength: 3 });

  test('whoever is let through in any order, no person ends with two parts of one group', () => {
    fc.assert(
      fc.property(groups, fc.array(part, { maxLength: 12 }), (apart, tries) => {
        const done: Part[] = [];
        for (const one of tries) if (conflictOf(apart, done, one) === null) done.push(one);
        for (const group of apart) {
          for (const who of new Set(done.map((one) => one.who))) {
            const parts = new Set(
              done.filter((one) => one.who === who && group.includes(one.act)).map((one) => one.act),
            );
            expect(parts.size).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  test('somebody who had no part is never refused', () => {
    fc.assert(
      fc.property(groups, fc.array(part), act, (apart, before, next) => {
        expect(conflictOf(apart, before, { act: next, who: 'newcomer' })).toBeNull();
      }),
    );
  });
});
