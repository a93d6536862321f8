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

interface Away {
  in(span: string): string;
  ago(span: string): string;
}
const IN_ENGLISH: Away = { in: (length) => `in ${length}`, ago: (length) => `${length} ago` };

/** An instant for a reader elsewhere: in their zone and in words, with how far away it is. */
export function When({
  at,
  zone,
  now,
  language = 'en',
  away = IN_ENGLISH,
}: {
  at: Millis;
  zone: string;
  now: Millis;
  language?: string;
  away?: Away;
}) {
  return (
    <time datetime={new Date(at).toISOString()}>
      {whenIn(at, zone, language)}
      {`, ${at >= now ? away.in(span(at - now)) : away.ago(span(now - at))}`}
    </time>
  );
}
