import { Temporal } from 'temporal-polyfill';
import type { BusinessCalendar } from '../../kernel/calendar.ts';
import { ELAPSED_DAY } from '../../kernel/time.ts';
import { WEEKDAYS } from './clock.rules.ts';

/** Member States of the Union and of the Economic Area, by the zones that their clocks follow. */
const STATES: Readonly<Record<string, string>> = {
  'Europe/Vienna': 'AT',
  'Europe/Brussels': 'BE',
  'Europe/Sofia': 'BG',
  'Europe/Zagreb': 'HR',
  'Asia/Nicosia': 'CY',
  'Europe/Prague': 'CZ',
  'Europe/Copenhagen': 'DK',
  'Europe/Tallinn': 'EE',
  'Europe/Helsinki': 'FI',
  'Europe/Mariehamn': 'FI',
  'Europe/Paris': 'FR',
  'Europe/Berlin': 'DE',
  'Europe/Busingen': 'DE',
  'Europe/Athens': 'GR',
  'Europe/Budapest': 'HU',
  'Europe/Dublin': 'IE',
  'Europe/Rome': 'IT',
  'Europe/Riga': 'LV',
  'Europe/Vilnius': 'LT',
  'Europe/Luxembourg': 'LU',
  'Europe/Malta': 'MT',
  'Europe/Amsterdam': 'NL',
  'Europe/Warsaw': 'PL',
  'Europe/Lisbon': 'PT',
  'Atlantic/Madeira': 'PT',
  'Atlantic/Azores': 'PT',
  'Europe/Bucharest': 'RO',
  'Europe/Bratislava': 'SK',
  'Europe/Ljubljana': 'SI',
  'Europe/Madrid': 'ES',
  'Africa/Ceuta': 'ES',
  'Atlantic/Canary': 'ES',
  'Europe/Stockholm': 'SE',
  'Europe/Oslo': 'NO',
  'Atlantic/Reykjavik': 'IS',
  'Europe/Vaduz': 'LI',
};

/** The Member State whose clocks follow a zone, or undefined. */
export function memberStateOf(zone: string): string | undefined {
  return STATES[zone];
}

/**
 * The working days of a country, or of a part of one (`AU-NSW`): Monday to Friday without its public holidays and the
 * days on which they are observed; bank holidays too, where they last the whole day. The data are those of date-holidays.
 *
 * @param country ISO 3166-1, with its part after a hyphen; undefined: Monday to Friday alone
 * @param from first year, and `until` the last one
 * @throws Error for a country that the data do not have
 */
export async function workingDaysOf(
  country: string | undefined,
  from: number,
  until: number,
): Promise<BusinessCalendar & { name: string }> {
  if (country === undefined) return WEEKDAYS;
  const { default: Holidays } = await import('date-holidays');
  const [state, part] = country.split('-');
  const known = part === undefined ? new Holidays(state!) : new Holidays(state!, part);
  const holidays = new Set<string>();
  // A New Year's Day on a Saturday is observed in the year before.
  for (let year = from - 1; year <= until + 1; year++) {
    const days = known.getHolidays(year);
    if (days.length === 0) throw new Error(`no holidays are known of ${country}`);
    for (const day of days)
      if (day.type === 'public' || (day.type === 'bank' && day.date.slice(11, 16) === '00:00'))
        for (const date of datesOf(day)) holidays.add(date);
  }
  return { ...WEEKDAYS, holidays: [...holidays].sort(), name: `Monday to Friday, holidays of ${country}` };
}

/** Some last several days. */
function datesOf({ date, start, end }: { date: string; start: Date; end: Date }): string[] {
  const first = Temporal.PlainDate.from(date.slice(0, 10));
  const length = Math.max(1, Math.round((end.getTime() - start.getTime()) / ELAPSED_DAY));
  return Array.from({ length }, (_, days) => first.add({ days }).toString());
}
