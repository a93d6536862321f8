import { err, ok, type Result } from '../../kernel/result.ts';
import type { MaintenanceWindow } from '../../domain/rotation/cadence.rules.ts';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const LINE =
  /^((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|daily)(?:[ ,]+(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun))*)[ ,]+((?:[01]\d|2[0-3]):[0-5]\d) *[-–] *((?:[01]\d|2[0-3]):[0-5]\d)$/i;
const MOST = 20;

/** Maintenance windows as somebody writes them: one a line, `Mon Tue 22:00-02:00`, or `daily 01:00-03:00`. */
export function readWindows(text: string): Result<MaintenanceWindow[], string> {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.length > MOST) return err(`At most ${MOST} lines.`);
  const windows: MaintenanceWindow[] = [];
  for (const line of lines) {
    const [, days = '', from = '', until = ''] = LINE.exec(line) ?? [];
    if (days === '') return err(`"${line.slice(0, 60)}" is not like "Mon Tue 22:00-02:00".`);
    const named = days.toLowerCase().split(/[ ,]+/);
    if (named.length > 1 && named.includes('daily')) return err('"daily" stands for every day by itself.');
    const numbers =
      named[0] === 'daily'
        ? DAYS.map((_, at) => at + 1)
        : [...new Set(named.map((one) => DAYS.findIndex((day) => day.toLowerCase() === one) + 1))];
    windows.push({ days: numbers.sort((a, b) => a - b), from, until });
  }
  return ok(windows);
}

export function windowText(windows: readonly MaintenanceWindow[]): string {
  return windows
    .map(({ days, from, until }) => {
      const named = days.length === 7 ? 'daily' : days.map((day) => DAYS[day - 1]).join(' ');
      return `${named} ${from}-${until}`;
    })
    .join('\n');
}
