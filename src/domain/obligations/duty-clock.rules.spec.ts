import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { ELAPSED_DAY, HOUR } from '../../kernel/time.ts';
import { ClockRules } from './clock-rules.ts';
import { phaseClock, WEEKDAYS, type ClockFacts } from './clock.rules.ts';
import { clockTimes, delayed, eventsOf, freeze, recompute, type FrozenClock } from './duty-clock.rules.ts';

const rules = ClockRules.read(projectFolder('templates/clocks')).list('2026-11-22');
const START = Date.parse('2026-11-20T18:00:00Z');

const facts: fc.Arbitrary<ClockFacts> = fc
  .record({
    start: fc.integer({ min: START, max: START + 700 * ELAPSED_DAY }),
    more: fc.nat(90 * 24),
    zone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'UTC', '+05:30'),
    entity: fc.constantFrom(undefined, 'credit-institution', 'trust-service'),
  })
  .map(({ start, more, zone, entity }) => ({
    events: {
      suspicion: start,
      awareness: start,
      discovery: start,
      determination: start + more * HOUR,
      assessment: start,
      classification: start + more * HOUR,
      payment: start,
    },
    submitted: { initial: start + more * HOUR, notification: start + more * HOUR },
    ...(entity === undefined ? {} : { entity }),
    zone,
    calendar: { ...WEEKDAYS, holidays: ['2026-12-25', '2027-01-01', '2027-12-24'] },
    reliefWithoutClass: false,
  }));

describe('a clock that was frozen', () => {
  test('computes again to the same answer, from its row alone', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rules), facts, (rule, known) => {
        for (const phase of rule.phases) {
          const row = JSON.parse(JSON.stringify(freeze(rule, phase.phase, known))) as FrozenClock;
          expect(recompute(row)).toEqual(phaseClock(rule, phase, known));
        }
      }),
    );
  });

  test('that stood still for a while runs on with what was left', () => {
    fc.assert(
      fc.property(facts, fc.nat(70), fc.nat(300), (known, after, still) => {
        const rule = rules.find(({ id }) => id === 'gdpr-33-1')!;
        const clock = phaseClock(rule, rule.phases[0]!, known);
        const from = clock.startAt! + after * HOUR;
        const later = delayed(clock, known.zone, from, from + still * HOUR);
        expect(later.due! - (from + still * HOUR)).toBe(clock.due! - from);
        const frozen = freeze(rule, 'notification', known);
        const iso = (at: number) => new Date(at).toISOString();
        expect(
          recompute({ ...frozen, delays: [{ from: iso(from), until: iso(from + still * HOUR) }] }),
        ).toEqual(later);
      }),
    );
  });

  test('that had run out before stays as late as it was', () => {
    const rule = rules.find(({ id }) => id === 'gdpr-33-1')!;
    const clock = phaseClock(rule, rule.phases[0]!, {
      events: { awareness: START },
      submitted: {},
      zone: 'UTC',
      calendar: WEEKDAYS,
      reliefWithoutClass: false,
    });
    expect(delayed(clock, 'UTC', clock.due! + 1, clock.due! + HOUR)).toBe(clock);
  });
});

describe('what has started', () => {
  test('discovery is when somebody found it, or when it reached us, whichever was earlier', () => {
    expect(eventsOf({ received: 5 })).toEqual({ discovery: 5 });
    expect(eventsOf({ received: 5, detected: 3 })).toEqual({ discovery: 3 });
    expect(eventsOf({ received: 5, detected: 9 })).toEqual({ discovery: 5 });
  });
  test('awareness is certainty; a determination is an assessment, too', () => {
    expect(eventsOf({ suspected: 1, confirmed: 2, determined: 3, classified: 4, contained: 5 })).toEqual({
      suspicion: 1,
      awareness: 2,
      determination: 3,
      assessment: 3,
      classification: 4,
    });
  });
});

describe('when a clock speaks', () => {
  const window = { startAt: START, due: START + 100 * HOUR };
  test('at half of the window and at four fifths, where its rule does not say', () => {
    expect(clockTimes({}, window)).toEqual({ warnAt: START + 50 * HOUR, escalateAt: START + 80 * HOUR });
    expect(clockTimes({}, { startAt: START, due: null })).toEqual({ warnAt: null, escalateAt: null });
    expect(clockTimes({}, { startAt: null, due: null })).toEqual({ warnAt: null, escalateAt: null });
  });
  test('as its rule says: by share, or by what is left', () => {
    expect(clockTimes({ warn: 10, escalate: { hoursLeft: 12 } }, window)).toEqual({
      warnAt: START + 10 * HOUR,
      escalateAt: START + 88 * HOUR,
    });
    // More than the window has is its start; escalating is not before warning.
    expect(clockTimes({ warn: 60, escalate: { hoursLeft: 500 } }, window)).toEqual({
      warnAt: START + 60 * HOUR,
      escalateAt: START + 60 * HOUR,
    });
  });
  test('inside the window and in order, whatever the rule says', () => {
    const threshold = fc.option(
      fc.oneof(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 9_999 }).map((hoursLeft) => ({ hoursLeft })),
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(threshold, threshold, fc.nat(1e10), (warn, escalate, length) => {
        const due = START + length;
        const { warnAt, escalateAt } = clockTimes(
          { ...(warn === undefined ? {} : { warn }), ...(escalate === undefined ? {} : { escalate }) },
          { startAt: START, due },
        );
        expect(warnAt).toBeGreaterThanOrEqual(START);
        expect(escalateAt).toBeGreaterThanOrEqual(warnAt!);
        expect(escalateAt).toBeLessThanOrEqual(due);
      }),
    );
  });
  test('is said for the rules whose windows are short', () => {
    const cert = rules.find(({ id }) => id === 'cert-in')!;
    const six = { startAt: START, due: START + 6 * HOUR };
    expect(clockTimes(cert, six)).toEqual({ warnAt: START + 2 * HOUR, escalateAt: START + 4 * HOUR });
  });
});
