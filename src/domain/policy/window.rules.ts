/** How long a window can be, without knowing when it starts. */
export interface PlainWindow {
  count: number;
  unit: 'elapsed-hours' | 'calendar-days' | 'business-days' | 'months';
}

const DAY = 24;
const LONGEST_MONTH = 31;
const SHORTEST_MONTH = 28;

/**
 * Elapsed hours that may pass at worst until a window ends: it starts early on a day, which does not count, before the
 * longest weekend. Public holidays come on top and are not foreseen here.
 */
export function longestHours({ count, unit }: PlainWindow, workingDays = 5): number {
  switch (unit) {
    case 'elapsed-hours':
      return count;
    case 'calendar-days':
      return (count + 1) * DAY;
    case 'business-days':
      // Each started working week that it needs has a weekend before it.
      return (count + Math.ceil(count / workingDays) * (7 - workingDays) + 1) * DAY;
    case 'months':
      return (count * LONGEST_MONTH + 1) * DAY;
  }
}

/** Elapsed hours that a window leaves at least: it starts at the end of a day and meets no weekend. */
export function shortestHours({ count, unit }: PlainWindow, workingDays = 5): number {
  switch (unit) {
    case 'elapsed-hours':
      return count;
    case 'calendar-days':
      return count * DAY;
    case 'business-days':
      return (count + Math.floor((count - 1) / workingDays) * (7 - workingDays)) * DAY;
    case 'months':
      return count * SHORTEST_MONTH * DAY;
  }
}

/** "24 hours", "2 business days". */
export function windowWords({ count, unit }: PlainWindow): string {
  const word = unit === 'elapsed-hours' ? 'hours' : unit.replace('-', ' ');
  return `${count} ${count === 1 ? word.replace(/s$/, '') : word}`;
}
