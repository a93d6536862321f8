import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { lineDiff } from './line-diff.ts';

test('says what was added and what was removed, and keeps the rest', () => {
  expect(lineDiff('a\nb\nc', 'a\nx\nc')).toEqual([
    { how: 'same', text: 'a' },
    { how: 'removed', text: 'b' },
    { how: 'added', text: 'x' },
    { how: 'same', text: 'c' },
  ]);
});

test('holds both texts whole, and says nothing of a text that did not change', () => {
  const texts = fc
    .array(fc.constantFrom('', 'a', 'b', 'c'), { minLength: 1 })
    .map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      const lines = lineDiff(before, after);
      const side = (but: string) =>
        lines
          .filter(({ how }) => how !== but)
          .map(({ text }) => text)
          .join('\n');
      expect([side('added'), side('removed')]).toEqual([before, after]);
      if (before === after) expect(lines.every(({ how }) => how === 'same')).toBe(true);
    }),
  );
});
