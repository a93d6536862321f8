import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Action, StepAnswer } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ note: z.string().max(500).optional() });

/** Does nothing and is done: for rehearsing a runbook, and for measuring the engine alone. */
@Injectable()
export class NoOpAction implements Action<z.infer<typeof settings>> {
  readonly name = 'no-op';
  readonly title = 'Nothing';
  readonly with = settings;
  readonly lease = 'short';
  readonly quiet = true;
  readonly timeout = 10 * SECOND;

  async run(): Promise<StepAnswer> {
    return { answer: 'done' };
  }
}
