import { z } from 'zod';

const RUNG = /^(.+) after (\d{1,5}) (minutes|percent)$/;
/** Of an import: who of the fallbacks is told when. */
export const rungText = z
  .string()
  .regex(
    RUNG,
    'must be a contact and its time, e.g. "on-call after 15 minutes" or "on-call after 40 percent"',
  )
  .transform((text) => {
    const [, recipient = '', count, unit] = RUNG.exec(text) ?? [];
    return {
      recipient,
      minutes: unit === 'minutes' ? Number(count) : null,
      percent: unit === 'percent' ? Number(count) : null,
    };
  })
  .refine((rung) => (rung.minutes ?? 0) <= 43_200 && (rung.percent ?? 0) <= 100, {
    message: 'must be at most 43200 minutes or 100 percent',
  });

export const rungsAreFallbacks = (row: {
  fallbackRecipients: readonly string[];
  rungs: readonly { recipient: string }[];
}) => row.rungs.every(({ recipient }) => row.fallbackRecipients.includes(recipient));
export const RUNGS = { path: ['rungs'], message: 'must name fallback recipients of the term' };
