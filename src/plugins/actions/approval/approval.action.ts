import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({
  /** What is decided, in one sentence. */
  question: z.string().min(1).max(500),
});
type Settings = z.infer<typeof settings>;

/**
 * Waits for the people that the step's `approval:` names. Who may decide, how many, and what happens when they stay
 * silent is the engine's business; the output says `approved`, `lapsed` and by whom.
 */
@Injectable()
export class ApprovalAction implements Action<Settings> {
  readonly name = 'approval';
  readonly title = 'Approval';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 10 * SECOND;
  readonly waitsFor = 'person';

  async run(context: StepContext<Settings>): Promise<StepAnswer> {
    return { answer: 'parked', forWhat: context.with.question };
  }
}
