import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ELAPSED_DAY, HOUR, iso, type Millis } from '../../kernel/time.ts';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { TermTemplates } from '../agreements/term-templates.ts';
import { SECOND, type SecondFacts } from '../../../test/support/second-clock.ts';
import { ClockRules, readClockFile } from './clock-rules.ts';
import { clockPhases, firstEvent, WEEKDAYS, type ClockFacts, type PhaseClock } from './clock.rules.ts';
import { memberStateOf, workingDaysOf } from './holidays.ts';
import type { ClockRule } from './clock-rule.schema.ts';

const FOLDER = projectFolder('templates/clocks');
const rules = ClockRules.read(FOLDER);
const DAY = '2026-11-22';
const rule = (id: string) => rules.find(id, DAY)!;

const calendars = new Map<string, ClockFacts['calendar']>();
beforeAll(async () => {
  for (const country of ['US', 'DE', 'AU-NSW'])
    calendars.set(country, await workingDaysOf(country, 2025, 2029));
});

function calendarFor(one: ClockRule, zone: string): ClockFacts['calendar'] {
  const country = one.calendar === 'member-state' ? memberStateOf(zone) : one.calendar;
  return calendars.get(country ?? '') ?? WEEKDAYS;
}

function phasesOf(id: string, f: SecondFacts, reliefWithoutClass = true): PhaseClock[] {
  const one = rules.find(id, iso(f.start).slice(0, 10))!;
  return clockPhases(one, {
    events: {
      [firstEvent(one)!]: f.start,
      ...(f.classified === undefined ? {} : { classification: f.classified }),
      ...(f.submitted === undefined ? {} : { submission: f.submitted }),
    },
    submitted: {},
    ...(f.entity === undefined ? {} : { entity: f.entity }),
    zone: f.zone,
    calendar: calendarFor(one, f.zone),
    reliefWithoutClass,
  });
}
const phase = (id: string, name: string, f: SecondFacts) =>
  phasesOf(id, f).find((one) => one.phase === name)!;

/** Where clocks go wrong. */
const BOUNDARIES = [
  '2026-03-28T12:00:00+01:00', // the day before summer time, Berlin
  '2026-03-29T00:59:59Z', // the second before the change
  '2026-03-29T01:00:00Z',
  '2026-10-24T12:00:00+02:00', // the day before winter time
  '2026-10-25T00:30:00Z', // half past two, the first time
  '2026-10-25T01:30:00Z', // and the second
  '2026-03-08T06:59:59Z', // New York
  '2026-11-01T05:30:00Z',
  '2026-04-04T12:00:00Z', // Sydney leaves summer time on the 5th
  '2026-10-03T12:00:00Z',
  '2026-01-31T09:00:00+01:00',
  '2026-01-31T23:59:59.999+01:00',
  '2026-02-28T23:59:59-05:00',
  '2027-01-31T00:00:00Z',
  '2028-01-31T12:00:00Z', // February has 29 days
  '2028-02-28T12:00:00Z',
  '2026-08-31T12:00:00Z',
  '2026-12-31T23:59:59.999Z', // the year ends
  '2027-01-01T00:00:00Z',
  '2026-12-24T10:00:00+01:00', // Christmas, on a Friday
  '2026-12-23T17:00:00-05:00',
  '2026-04-02T16:00:00+02:00', // Easter
  '2026-07-01T20:00:00-04:00', // the Fourth of July is a Saturday
  '2026-11-25T12:00:00-05:00', // Thanksgiving
  '2027-12-28T12:00:00-05:00', // New Year's Day 2028 is observed in 2027
  '2026-11-20T18:00:00+01:00', // a Friday evening
  '2026-11-21T12:00:00Z', // a Saturday
  '2026-11-22T23:30:00Z', // a Sunday that is Monday further east
];
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Sydney', 'UTC'];

describe('each rule, computed twice', () => {
  test.each(Object.keys(SECOND))('%s', (id) => {
    const second = SECOND[id]!;
    const compared: { first: object; again: object }[] = [];
    for (const at of BOUNDARIES)
      for (const zone of ZONES)
        for (const entity of id === 'dora-19' ? [undefined, 'credit-institution'] : [undefined])
          for (const [classifiedAfter, submittedAfter] of [
            [1, 3],
            [21, 25],
            [30, 80],
          ] as const) {
            const start = Date.parse(at);
            const dora = id === 'dora-19';
            const follows = rule(id).phases.some(({ after }) => after !== undefined);
            const facts: SecondFacts = {
              start,
              zone,
              ...(dora ? { classified: start + classifiedAfter * HOUR } : {}),
              ...(follows ? { submitted: start + submittedAfter * HOUR } : {}),
              ...(entity ? { entity } : {}),
            };
            const first = Object.fromEntries(
              phasesOf(id, facts)
                .filter(({ standing }) => standing === 'dated')
                .map((one) => [one.phase, iso(one.due!)]),
            );
            const again = Object.fromEntries(
              Object.entries(second).map(([name, due]) => [name, iso(due(facts)!)]),
            );
            compared.push({ first: { at, zone, ...first }, again: { at, zone, ...again } });
          }
    expect(compared.length).toBeGreaterThan(100);
    expect(compared.map(({ first }) => first)).toEqual(compared.map(({ again }) => again));
  });

  test('and there is no other but those that are not law yet or were not', () => {
    expect(
      rules
        .list(DAY)
        .map(({ id }) => id)
        .filter((id) => !(id in SECOND)),
    ).toEqual(['cra-14', 'circia']);
  });
});

describe('by example', () => {
  const berlin = 'Europe/Berlin';
  const at = (text: string) => Date.parse(text);
  const due = (one: PhaseClock) => (one.due === null ? null : iso(one.due));

  test('72 hours of GDPR are elapsed time over the start of summer time', () => {
    expect(
      phase('gdpr-33-1', 'notification', { start: at('2026-03-28T12:00:00+01:00'), zone: berlin }),
    ).toMatchObject({
      due: at('2026-03-31T13:00:00+02:00'),
      dueDate: '2026-03-31',
      why: 'awareness 2026-03-28 12:00 Europe/Berlin; + 72 hours = 2026-03-31 13:00 Europe/Berlin',
    });
  });

  test('a month from the 31st of January ends with February, also in a leap year', () => {
    for (const [start, end] of [
      ['2026-01-31', '2026-02-28'],
      ['2028-01-31', '2028-02-29'],
    ]) {
      const submitted = at(`${start}T10:00:00+01:00`);
      expect(
        phase('nis2-23-4', 'final', { start: submitted - ELAPSED_DAY, submitted, zone: berlin }).dueDate,
      ).toBe(end);
    }
  });

  test('DORA: four hours from classification, capped a day after awareness, unless classified later than that', () => {
    const start = at('2026-11-23T09:00:00+01:00');
    const initial = (hours: number) =>
      due(phase('dora-19', 'initial', { start, classified: start + hours * HOUR, zone: berlin }));
    expect(initial(1)).toBe(iso(start + 5 * HOUR));
    expect(initial(22)).toBe(iso(start + 24 * HOUR));
    expect(initial(24)).toBe(iso(start + 24 * HOUR));
    expect(initial(25)).toBe(iso(start + 29 * HOUR));
  });

  test('DORA: a weekend moves the end to Monday noon, for those who have that relief', () => {
    const start = at('2026-11-20T18:00:00+01:00');
    const facts = { start, classified: start + 7 * HOUR, zone: berlin };
    const initial = (entity?: string, without = true) =>
      due(phasesOf('dora-19', { ...facts, ...(entity ? { entity } : {}) }, without)[0]!);
    const plain = iso(at('2026-11-21T05:00:00+01:00'));
    expect(initial()).toBe(iso(at('2026-11-23T12:00:00+01:00')));
    expect(initial('payment-institution')).toBe(iso(at('2026-11-23T12:00:00+01:00')));
    for (const entity of [
      'credit-institution',
      'ccp',
      'trading-venue',
      'essential-entity',
      'named-by-authority',
    ])
      expect(initial(entity)).toBe(plain);
    // Who does not know the class works to the earlier one.
    expect(initial(undefined, false)).toBe(plain);
    // The final report is moved for every class.
    const submitted = at('2026-10-21T10:00:00+02:00');
    for (const entity of ['credit-institution', 'insurance'])
      expect(due(phase('dora-19', 'final', { start, submitted, zone: berlin, entity }))).toBe(
        iso(at('2026-11-23T12:00:00+01:00')),
      );
  });

  test('SEC: four business days of New York over the Fourth of July, and from a Saturday', () => {
    expect(
      phase('sec-8k-1-05', 'form-8-k', { start: at('2026-07-01T20:00:00-04:00'), zone: 'UTC' }).dueDate,
    ).toBe('2026-07-08');
    expect(
      phase('sec-8k-1-05', 'form-8-k', { start: at('2026-11-14T12:00:00-05:00'), zone: 'UTC' }).dueDate,
    ).toBe('2026-11-19');
  });

  test('a duty without a number has no due time and says so', () => {
    expect(phasesOf('gdpr-33-2', { start: at('2026-11-22T12:00:00Z'), zone: 'UTC' })).toMatchObject([
      {
        standing: 'no_number',
        due: null,
        dueDate: null,
        why: expect.stringContaining('without undue delay'),
      },
    ]);
  });

  test('what has not started says what it waits for', () => {
    const phases = phasesOf('dora-19', { start: at('2026-11-22T12:00:00Z'), zone: 'UTC' });
    expect(phases.map(({ standing }) => standing)).toEqual(['not_started', 'not_started', 'not_started']);
    expect(phases[0]!.why).toContain('classification');
  });

  test('what is not law owes nothing', () => {
    const standing = (id: string, start: string) =>
      phasesOf(id, { start: at(start), zone: 'UTC' }).map((one) => [one.standing, one.due])[0];
    expect(standing('circia', '2026-11-22T12:00:00Z')).toEqual(['not_in_force', null]);
    expect(standing('cra-14', '2026-09-10T23:59:59Z')).toEqual(['not_in_force', null]);
    expect(standing('cra-14', '2026-09-11T00:00:00Z')).toEqual(['dated', at('2026-09-12T00:00:00Z')]);
  });

  test('CRA: the final report of a vulnerability is due 14 days after its fix', () => {
    const phases = clockPhases(rule('cra-14'), {
      events: { awareness: at('2026-10-01T12:00:00Z'), fix: at('2026-10-20T12:00:00Z') },
      submitted: { notification: at('2026-10-03T12:00:00Z') },
      zone: 'UTC',
      calendar: WEEKDAYS,
      reliefWithoutClass: false,
    });
    expect(phases.map(({ phase: name, dueDate }) => [name, dueDate])).toEqual([
      ['early-warning', '2026-10-02'],
      ['notification', '2026-10-04'],
      ['final', '2026-11-03'],
      ['final-vulnerability', '2026-11-03'],
    ]);
  });

  test('trust services of NIS2 have 24 hours for the notification', () => {
    const start = at('2026-11-22T12:00:00Z');
    expect(phase('nis2-23-4', 'notification', { start, zone: 'UTC', entity: 'trust-service' }).due).toBe(
      start + ELAPSED_DAY,
    );
  });

  test('a period may count the day of its start', () => {
    const text = readFileSync(join(FOLDER, 'asia-pacific.yaml'), 'utf8');
    const [counted] = readClockFile(
      text.replace(/(phase: assessment)/, '$1\n        countsStartDay: true'),
      'x',
    ).filter(({ id }) => id === 'au-ndb-26wh');
    const facts = {
      events: { suspicion: at('2026-11-01T12:00:00+11:00') },
      submitted: {},
      zone: 'UTC',
      calendar: WEEKDAYS,
      reliefWithoutClass: false,
    };
    expect(clockPhases(counted!, facts)[0]!.dueDate).toBe('2026-11-30');
    expect(clockPhases(rule('au-ndb-26wh'), facts)[0]!.dueDate).toBe('2026-12-01');
  });
});

describe('for every instant', () => {
  const instants = fc.integer({ min: at0('2026-09-11'), max: at0('2028-12-01') });
  const ids = fc.constantFrom(...Object.keys(SECOND));
  const zones = fc.constantFrom(...ZONES);
  const facts = fc.record({
    start: instants,
    zone: zones,
    gap: fc.nat(60 * 24 * 5),
    more: fc.nat(60 * 24 * 40),
  });
  const of = (id: string, f: { start: number; zone: string; gap: number; more: number }) =>
    phasesOf(id, {
      start: f.start,
      classified: f.start + f.gap * 60_000,
      submitted: f.start + f.more * 60_000,
      zone: f.zone,
    });

  test('a clock ends after it starts, on the day that it says', () => {
    fc.assert(
      fc.property(ids, facts, (id, f) => {
        for (const one of of(id, f).filter(({ standing }) => standing === 'dated')) {
          const zone = rule(id).zone ?? f.zone;
          expect(one.dueDate).toBe(new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(one.due!));
          if (one.phase !== 'initial') expect(one.due!).toBeGreaterThan(one.startAt!);
        }
      }),
    );
  });

  test('who starts later is never due earlier', () => {
    fc.assert(
      fc.property(ids, facts, fc.nat(30 * 24 * 60), (id, f, later) => {
        const [before, after] = [of(id, f), of(id, { ...f, start: f.start + later * 60_000 })];
        for (const [n, one] of before.entries())
          if (one.due !== null && after[n]!.due !== null)
            expect(after[n]!.due!).toBeGreaterThanOrEqual(one.due);
      }),
    );
  });

  test('an initial report of DORA is never due later than the longest of its windows and three days of rest', () => {
    fc.assert(
      fc.property(facts, (f) => {
        const [initial] = of('dora-19', f);
        const latest = Math.max(f.start + ELAPSED_DAY, f.start + f.gap * 60_000 + 4 * HOUR);
        expect(initial!.due!).toBeLessThanOrEqual(latest + 6 * ELAPSED_DAY);
      }),
    );
  });
});

describe('the data', () => {
  test('give the same windows as the templates of terms made of the same sources', () => {
    const terms = TermTemplates.read(projectFolder('templates/terms'));
    const pairs: [rule: string, phase: string, term: string][] = [
      ['gdpr-33-1', 'notification', 'gdpr-33-1'],
      ['nis2-23-4', 'early-warning', 'nis2-early-warning'],
      ['nis2-23-4', 'notification', 'nis2-notification'],
      ['nis2-23-4', 'final', 'nis2-final'],
      ['dora-19', 'initial', 'dora-initial-classified'],
      ['dora-19', 'intermediate', 'dora-intermediate'],
      ['dora-19', 'final', 'dora-final'],
      ['sec-8k-1-05', 'form-8-k', 'sec-8-k-1-05'],
      ['nydfs-500-17', 'notification', 'nydfs-500-17-a'],
      ['us-bank-53', 'notification', 'us-bank-53-3'],
      ['hipaa-164-410', 'notification', 'hipaa-164-410'],
      ['cert-in', 'report', 'cert-in'],
      ['apra-cps-234-35', 'notification', 'apra-cps-234-35'],
      ['apra-cps-234-36', 'notification', 'apra-cps-234-36'],
      ['sg-pdpa-26d', 'notification', 'singapore-pdpa-26d'],
      ['mas-trm', 'root-cause', 'mas-trm-root-cause'],
      ['tx-521-053', 'individuals', 'texas-521-053'],
      ['fl-501-171', 'notification', 'florida-501-171-6-a'],
    ];
    for (const [id, name, term] of pairs)
      expect([id, rule(id).phases.find((one) => one.phase === name)?.window]).toEqual([
        id,
        terms.find(term, at0(DAY))?.window,
      ]);
  });

  const [first = ''] = readdirSync(FOLDER).filter((name) => name === 'european-union.yaml');
  const text = readFileSync(join(FOLDER, first), 'utf8');
  test.each([
    ['a window of zero', /count: 72/, 'count: 0', /window.count/],
    ['an unknown unit', /unit: months/, 'unit: fortnights', /window.unit/],
    ['an unknown start', /event: awareness/, 'event: rumour', /event/],
    ['a zone that is none', /zone: Europe\/London/, 'zone: Europe/Atlantis', /zone/],
    ['no source', /source:/, 'sauce:', /source/],
    ['no date', /asOf: .*/, 'asOf: lately', /asOf/],
    [
      'a warning after its escalation',
      /basis: text/,
      'basis: text\n    warn: 90\n    escalate: 10',
      /escalate/,
    ],
    ['a phase after one that is not there', /after: initial/, 'after: finale', /after/],
    ['no number and nothing in its place', /, words: without undue delay/, '', /words/],
    [
      'a relief of an unknown class',
      /exempt:\n\s+\[\n\s+credit-institution/,
      'exempt:\n        [\n          nobody',
      /relief.exempt/,
    ],
  ])('%s is refused with its place', (_, from, to, told) => {
    expect(from.test(text)).toBe(true);
    expect(() => readClockFile(text.replace(from, to), first)).toThrow(told);
  });
});

function at0(day: string): Millis {
  return Date.parse(`${day}T00:00:00Z`);
}
