import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOUR, MINUTE } from '../../kernel/time.ts';
import { isWithin } from '../parties/on-call.rules.ts';
import { heldUntil, type Pace } from './pace.rules.ts';

const now = Date.parse('2026-11-22T23:30:00Z');
const night = { zone: 'UTC', from: '22:00', until: '07:00' };
const free: Pace = { quiet: null, mostPerHour: null, sent: [] };

describe('what a recipient asked for', () => {
  test('quiet hours hold a message until they end', () => {
    expect(heldUntil({ ...free, quiet: night }, now, now + 24 * HOUR)).toBe(
      Date.parse('2026-11-23T07:00:00Z'),
    );
  });

  test('but never past its deadline, and never where there is none', () => {
    expect(heldUntil({ ...free, quiet: night }, now, now + HOUR)).toBe(now + HOUR);
    expect(heldUntil({ ...free, quiet: night }, now, now)).toBeNull();
    expect(heldUntil({ ...free, quiet: night }, now, null)).toBeNull();
  });

  test('a full hour holds it until there is room again', () => {
    const sent = [now - 50 * MINUTE, now - 10 * MINUTE, now - 2 * HOUR];
    expect(heldUntil({ ...free, mostPerHour: 2, sent }, now, now + 24 * HOUR)).toBe(now + 10 * MINUTE);
    expect(heldUntil({ ...free, mostPerHour: 3, sent }, now, now + 24 * HOUR)).toBeNull();
  });

  test('no wish delays past the deadline, and nothing that is free is held', () => {
    fc.assert(
      fc.property(
        fc.record({
          quiet: fc.option(fc.constantFrom(night, { zone: 'Asia/Kolkata', from: '00:00', until: '00:00' })),
          mostPerHour: fc.option(fc.integer({ min: 1, max: 3 })),
          sent: fc.array(fc.integer({ min: now - 3 * HOUR, max: now }), { maxLength: 6 }),
        }),
        fc.integer({ min: -HOUR, max: 48 * HOUR }),
        (pace, left) => {
          const held = heldUntil(pace, now, now + left);
          if (held === null) {
            const full =
              pace.mostPerHour !== null &&
              pace.sent.filter((one) => one > now - HOUR).length >= pace.mostPerHour;
            expect(left <= 0 || !((pace.quiet && isWithin(pace.quiet, now)) || full)).toBe(true);
          } else {
            expect(held).toBeGreaterThan(now);
            expect(held).toBeLessThanOrEqual(now + left);
          }
        },
      ),
    );
  });
});
