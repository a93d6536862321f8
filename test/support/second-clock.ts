import { DateTime } from 'luxon';

/**
 * The clocks of the table once more, written from the sources by hand and computed with luxon: own numbers, own
 * holidays, own arithmetic, so that a slip of the product is not repeated here.
 */

export interface SecondFacts {
  start: number;
  classified?: number;
  submitted?: number;
  zone: string;
  entity?: string;
}

const US = [
  '2025-12-25 2026-01-01 2026-01-19 2026-02-16 2026-05-25 2026-06-19 2026-07-03 2026-07-04 2026-09-07 2026-10-12 2026-11-11',
  '2026-11-26 2026-12-25 2027-01-01 2027-01-18 2027-02-15 2027-05-31 2027-06-18 2027-06-19 2027-07-04 2027-07-05 2027-09-06',
  '2027-10-11 2027-11-11 2027-11-25 2027-12-24 2027-12-25 2027-12-31 2028-01-01 2028-01-17 2028-02-21 2028-05-29',
]
  .join(' ')
  .split(' ');
const GERMANY = [
  '2025-12-25 2025-12-26 2026-01-01 2026-04-03 2026-04-06 2026-05-01 2026-05-14 2026-05-25 2026-10-03 2026-12-25 2026-12-26',
  '2027-01-01 2027-03-26 2027-03-29 2027-05-01 2027-05-06 2027-05-17 2027-10-03 2027-12-25 2027-12-26 2028-01-01',
  '2028-04-14 2028-04-17 2028-05-01 2028-05-25',
]
  .join(' ')
  .split(' ');
const NEW_SOUTH_WALES = [
  '2025-12-25 2025-12-26 2026-01-01 2026-01-26 2026-04-03 2026-04-04 2026-04-05 2026-04-06 2026-04-25 2026-04-27 2026-06-08',
  '2026-08-03 2026-10-05 2026-12-25 2026-12-26 2026-12-28 2027-01-01 2027-01-26 2027-03-26 2027-03-27 2027-03-28 2027-03-29',
  '2027-04-25 2027-04-26 2027-06-14 2027-08-02 2027-10-04 2027-12-25 2027-12-26 2027-12-27 2027-12-28 2028-01-01 2028-01-03',
  '2028-01-26 2028-04-14 2028-04-15 2028-04-16 2028-04-17 2028-04-25',
]
  .join(' ')
  .split(' ');

const HOUR = 3_600_000;
const last = (at: DateTime) => at.endOf('day').toMillis();
const hours = (n: number) => (f: SecondFacts) => f.start + n * HOUR;
const days = (n: number, place?: string) => (f: SecondFacts) =>
  last(DateTime.fromMillis(f.start, { zone: place ?? f.zone }).plus({ days: n }));
const worked = (n: number, holidays: readonly string[], place?: string) => (f: SecondFacts) => {
  let at = DateTime.fromMillis(f.start, { zone: place ?? f.zone }).set({ hour: 12 });
  for (let left = n; left > 0;) {
    at = at.plus({ days: 1 });
    if (at.weekday < 6 && !holidays.includes(at.toISODate()!)) left--;
  }
  return last(at);
};
const month = (f: SecondFacts) =>
  f.submitted === undefined
    ? undefined
    : last(DateTime.fromMillis(f.submitted, { zone: f.zone }).plus({ months: 1 }));
const afterSubmission = (n: number) => (f: SecondFacts) =>
  f.submitted === undefined ? undefined : f.submitted + n * HOUR;

function relief(due: number | undefined, f: SecondFacts, phase: string): number | undefined {
  if (due === undefined) return undefined;
  let at = DateTime.fromMillis(due, { zone: f.zone });
  const idle = () => at.weekday > 5 || (f.zone === 'Europe/Berlin' && GERMANY.includes(at.toISODate()!));
  if (!idle() || (f.entity === 'credit-institution' && phase !== 'final')) return due;
  while (idle()) at = at.plus({ days: 1 }).set({ hour: 12, minute: 0, second: 0, millisecond: 0 });
  return at.toMillis();
}
function doraInitial(f: SecondFacts): number | undefined {
  if (f.classified === undefined) return undefined;
  const [four, day] = [f.classified + 4 * HOUR, f.start + 24 * HOUR];
  return relief(f.classified > day ? four : Math.min(four, day), f, 'initial');
}

type Second = Readonly<Record<string, (f: SecondFacts) => number | undefined>>;

/** By rule and phase; a phase that is missing here has no number. */
export const SECOND: Readonly<Record<string, Second>> = {
  'gdpr-33-1': { notification: hours(72) },
  'gdpr-33-2': {},
  'gdpr-34': {},
  'uk-gdpr-33-1': { notification: hours(72) },
  'nis2-23-4': { 'early-warning': hours(24), notification: hours(72), final: month },
  'dora-19': {
    initial: doraInitial,
    intermediate: (f) => relief(afterSubmission(72)(f), f, 'intermediate'),
    final: (f) => relief(month(f), f, 'final'),
  },
  'dora-30-3-b': {},
  'uk-nis-11': { notification: hours(72) },
  'sec-8k-1-05': { 'form-8-k': worked(4, US, 'America/New_York') },
  'nydfs-500-17': { notification: hours(72) },
  'us-bank-53': { notification: hours(36) },
  'us-bank-53-4': {},
  'hipaa-164-410': { notification: days(60) },
  'hipaa-164-404': {
    individuals: days(60),
    hhs: days(60),
    'hhs-annual': (f) =>
      last(DateTime.fromMillis(f.start, { zone: f.zone }).endOf('year').plus({ days: 60 })),
  },
  'ftc-314-4-j': { notification: days(30) },
  'ca-1798-82': {
    residents: days(30, 'America/Los_Angeles'),
    'attorney-general': (f) =>
      f.submitted === undefined
        ? undefined
        : last(DateTime.fromMillis(f.submitted, { zone: 'America/Los_Angeles' }).plus({ days: 15 })),
  },
  'ca-1798-82-b': {},
  'fl-501-171': { notification: days(10, 'America/New_York') },
  'tx-521-053': {
    individuals: days(60, 'America/Chicago'),
    'attorney-general': days(30, 'America/Chicago'),
  },
  'fedramp-icp-csx-ira': {
    initial: hours(1),
    update: (f) =>
      f.submitted === undefined
        ? undefined
        : last(DateTime.fromMillis(f.submitted, { zone: f.zone }).plus({ days: 1 })),
  },
  'cert-in': { report: hours(6) },
  'in-dpdp-7': { details: hours(72) },
  'apra-cps-234-35': { notification: hours(72) },
  'apra-cps-234-36': { notification: worked(10, NEW_SOUTH_WALES, 'Australia/Sydney') },
  'au-ndb-26wh': { assessment: days(30, 'Australia/Sydney') },
  'sg-pdpa-26d': { notification: days(3, 'Asia/Singapore') },
  'mas-trm': { notification: hours(1), 'root-cause': days(14, 'Asia/Singapore') },
  visa: { 'incident-report': worked(3, []), 'account-numbers': worked(10, []) },
  'mastercard-adc': { notification: hours(24), 'forensic-investigator': hours(72) },
  'pci-dss': {},
};
