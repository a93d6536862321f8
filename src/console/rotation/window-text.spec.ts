import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readWindows, windowText } from './window-text.ts';

test('windows are read as people write them', () => {
  expect(readWindows('  Mon, tue 22:00 - 02:00\n\nDaily 01:00–03:30 ')).toEqual({
    ok: true,
    value: [
      { days: [1, 2], from: '22:00', until: '02:00' },
      { days: [1, 2, 3, 4, 5, 6, 7], from: '01:00', until: '03:30' },
    ],
  });
  expect(readWindows('')).toEqual({ ok: true, value: [] });
});

test.each(['Mon 24:00-01:00', 'Monday 22:00-23:00', '22:00-23:00', 'daily Mon 22:00-23:00', 'Mon 22:00'])(
  'and %s is not one',
  (line) => expect(readWindows(line).ok).toBe(false),
);

test('what is shown is read back as it was', () => {
  const time = fc
    .tuple(fc.nat(23), fc.nat(59))
    .map((both) => both.map((one) => String(one).padStart(2, '0')).join(':'));
  const window = fc.record({
    days: fc
      .uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 })
      .map((days) => days.sort((a, b) => a - b)),
    from: time,
    until: time,
  });
  fc.assert(
    fc.property(fc.array(window, { maxLength: 20 }), (windows) => {
      expect(readWindows(windowText(windows))).toEqual({ ok: true, value: windows });
    }),
  );
});
