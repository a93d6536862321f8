import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({
  /** What to do, as an instruction. Shown to the owner; never a secret. */
  what: z.string().min(1).max(500),
  /** The contact who is asked, where it is not the step's role. */
  contact: z.uuid().optional(),
});
type Settings = z.infer<typeof settings>;

/** Asks a person to do something outside and to say so here. */
@Injectable()
export class ManualTaskAction implements Action<Settings> {
  readonly name = 'manual-task';
  readonly title = 'A person’s task';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 10 * SECOND;
  readonly waitsFor = 'person';

  async run(context: StepContext<Settings>): Promise<StepAnswer> {
    const { what, contact } = context.with;
    return { answer: 'parked', forWhat: what, ...(contact === undefined ? {} : { ownerContactId: contact }) };
  }
}
