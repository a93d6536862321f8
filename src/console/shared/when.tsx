import type { Millis } from '../../kernel/time.ts';
import { span } from './parts.tsx';

/** `Sunday 22 November 2026 at 16:04 (Europe/Berlin)`: an instant as somebody there says it. */
export function whenIn(at: Millis, zone: string, language = 'en'): string {
  const parts = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, { timeZone: zone, ...options }).format(
      at,
    );
  const day = parts({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  const time = parts({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return `${day}, ${time} (${zone.replaceAll('_', ' ')})`;
}

/** An instant for a reader elsewhere: in their zone and in words, with how far away it is. */
export function When({ at, zone, now }: { at: Millis; zone: string; now: Millis }) {
  const away = at - now;
  return (
    <time datetime={new Date(at).toISOString()}>
      {whenIn(at, zone)}
      {`, ${away >= 0 ? `in ${span(away)}` : `${span(-away)} ago`}`}
    </time>
  );
}
