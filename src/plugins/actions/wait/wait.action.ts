import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { ELAPSED_DAY, HOUR, iso, MINUTE, parseInstant, SECOND } from '../../../kernel/time.ts';

const UNITS: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: ELAPSED_DAY };

const settings = z.union(
  [
    z.strictObject({
      /** From the moment the step became ready: 90s, 15m, 4h, 2d. */
      for: z.string().regex(/^\d{1,6}[smhd]$/, 'must be a duration such as 90s, 15m, 4h or 2d'),
    }),
    z.strictObject({
      until: z
        .string()
        .refine((text) => parseInstant(text) !== undefined, 'must be an instant with its offset'),
    }),
  ],
  'must be { for: <duration> } or { until: <instant> }',
);
type Settings = z.infer<typeof settings>;

/** Lets time pass. Counts from the instant that the step became ready, so that a retry or a takeover waits no longer. */
@Injectable()
export class WaitAction implements Action<Settings> {
  readonly name = 'wait';
  readonly title = 'Wait';
  readonly with = settings;
  readonly lease = 'short';
  readonly quiet = true;
  readonly timeout = 10 * SECOND;
  readonly waitsFor = 'time';

  async run(context: StepContext<Settings>): Promise<StepAnswer> {
    const until =
      'until' in context.with
        ? parseInstant(context.with.until)!
        : context.since + millisOf(context.with.for);
    if (context.now() >= until) return { answer: 'done' };
    return { answer: 'waiting', until, forWhat: `the time ${iso(until)}` };
  }
}

function millisOf(duration: string): number {
  return Number(duration.slice(0, -1)) * UNITS[duration.at(-1)!]!;
}
