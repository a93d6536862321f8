import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ELAPSED_DAY, HOUR, MINUTE, SECOND } from '../../kernel/time.ts';
import {
  atOnce,
  circuitOf,
  FIRST_WINDOW,
  healthAfter,
  MOST_AGE,
  nextAttemptAt,
  SCHEDULE,
  SIGNAL_NAMES,
  verdictOf,
  widened,
  type Health,
  type Verdict,
} from './signal.rules.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const well: Health = { failures: 0, failingSince: null, heldUntil: null, disabled: null };

test('event types have the form that Standard Webhooks gives them', () => {
  for (const name of SIGNAL_NAMES) expect(name).toMatch(/^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)+$/);
});

describe('an answer', () => {
  test.each<[number, Verdict]>([
    [200, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [299, 'delivered'],
    [301, 'failed'],
    [302, 'failed'],
    [307, 'failed'],
    [400, 'failed'],
    [401, 'failed'],
    [404, 'failed'],
    [410, 'gone'],
    [429, 'busy'],
    [500, 'failed'],
    [502, 'busy'],
    [503, 'failed'],
    [504, 'busy'],
  ])('%i is %s', (status, verdict) => {
    expect(verdictOf({ status })).toBe(verdict);
  });

  test('that says when to come back is from a busy peer', () => {
    expect(verdictOf({ status: 503, retryAfter: 1000 })).toBe('busy');
    expect(verdictOf({ status: 200, retryAfter: 1000 })).toBe('delivered');
  });

  test('that never came failed', () => {
    expect(verdictOf({ failure: 'timeout' })).toBe('failed');
  });
});

describe('the schedule', () => {
  test('is that of the standard, never early, and ends', () => {
    expect(nextAttemptAt(1, NOW, 0)).toBe(NOW + 5 * SECOND);
    expect(nextAttemptAt(2, NOW, 0)).toBe(NOW + 5 * MINUTE);
    expect(nextAttemptAt(9, NOW, 0)).toBe(NOW + 24 * HOUR);
    expect(nextAttemptAt(10, NOW, 0)).toBeNull();
    expect(nextAttemptAt(1, NOW, 0, HOUR)).toBe(NOW + HOUR);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, random) => {
        const at = nextAttemptAt(n, NOW, random)!;
        expect(at).toBeGreaterThanOrEqual(NOW + SCHEDULE[n]!);
        expect(at).toBeLessThanOrEqual(NOW + SCHEDULE[n]! * 1.2 + 1);
      }),
    );
  });

  test('is over before its message is too old', () => {
    expect(SCHEDULE.reduce((sum, wait) => sum + wait * 1.2, 0)).toBeLessThan(MOST_AGE);
  });
});

describe('an endpoint', () => {
  test('that fails is asked ever more seldom, and however often it failed no hold is over six minutes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom<Verdict>('failed', 'busy', 'delivered'), { minLength: 1, maxLength: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (verdicts, random) => {
          let health = well;
          for (const verdict of verdicts) {
            health = healthAfter(health, verdict, NOW, random);
            expect((health.heldUntil ?? NOW) - NOW).toBeLessThanOrEqual(6 * MINUTE);
            if (verdict === 'delivered') expect(health).toEqual(well);
            else expect(atOnce(health.failures)).toBe(1);
            if (health.failures >= 3) expect(health.heldUntil).toBeGreaterThanOrEqual(NOW + 5 * SECOND);
          }
        },
      ),
    );
  });

  test('that is down through a storm of attempts that never stop is asked a few times a minute at first, then less', () => {
    let [health, at, attempts] = [well, NOW, 0];
    while (at < NOW + HOUR) {
      health = healthAfter(health, 'failed', at, 0);
      attempts++;
      at = Math.max(at + SECOND, health.heldUntil ?? 0);
    }
    expect(attempts).toBeLessThan(25);
  });

  test('has its circuit open from the third failure, or as long as it asked for, until it takes one', () => {
    let health = well;
    expect(circuitOf(health)).toBe('closed');
    for (const expected of ['closed', 'closed', 'open', 'open']) {
      health = healthAfter(health, 'failed', NOW, 0);
      expect(circuitOf(health)).toBe(expected);
    }
    expect(circuitOf(healthAfter(health, 'delivered', NOW, 0))).toBe('closed');
    expect(circuitOf(healthAfter(well, 'busy', NOW, 0))).toBe('open');
  });

  test('gets more at once as it takes them, never over sixteen, and one after a failure', () => {
    let window = FIRST_WINDOW;
    expect(atOnce(0, window)).toBe(4);
    for (let n = 0; n < 1000; n++) {
      expect(widened(window)).toBeLessThanOrEqual(window + 1);
      window = widened(window);
    }
    expect(atOnce(0, window)).toBe(16);
    expect(atOnce(1, window)).toBe(1);
  });

  test('that asks for a pause gets it', () => {
    expect(healthAfter(well, 'busy', NOW, 0, HOUR).heldUntil).toBe(NOW + HOUR);
    expect(healthAfter(well, 'busy', NOW, 0).heldUntil).toBe(NOW + 5 * SECOND);
    // A slower answer to an older message takes no pause back.
    const paused = healthAfter(well, 'busy', NOW, 0, HOUR);
    expect(healthAfter(paused, 'failed', NOW, 0).heldUntil).toBe(NOW + HOUR);
  });

  test('that is gone is disabled, and one that took nothing for five days, too', () => {
    expect(healthAfter(well, 'gone', NOW, 0).disabled).toMatch(/410/);
    const failing = { ...well, failures: 40, failingSince: NOW - 5 * ELAPSED_DAY + 1 };
    expect(healthAfter(failing, 'failed', NOW, 0).disabled).toBeNull();
    expect(healthAfter(failing, 'failed', NOW + 1, 0).disabled).toMatch(/five days/);
    expect(healthAfter(failing, 'delivered', NOW + 1, 0)).toEqual(well);
  });
});
