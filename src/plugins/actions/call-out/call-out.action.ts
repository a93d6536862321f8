import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { drillCall, Drilling, stepAnswer } from '../../../domain/revocation/drilling.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { parseDuration } from '../../../domain/runbooks/definition.schema.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({
  drillId: z.uuid(),
  /** How long they may take. */
  within: z
    .string()
    .refine((text) => parseDuration(text) !== undefined, 'must be a duration such as 4h or 1d'),
});
type With = z.infer<typeof settings>;

/** Calls the contact at the end of a path, and measures until they answer. Silence fails the drill. */
@Injectable()
export class CallOutAction implements Action<With> {
  readonly name = 'call-out';
  readonly title = 'Call the contact of a path';
  readonly with = settings;
  readonly lease = 'short';
  readonly waitsFor = 'time';
  readonly timeout = 45 * SECOND;

  constructor(private readonly drilling: Drilling) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return stepAnswer(
      await this.drilling.callOut(
        context.with.drillId,
        parseDuration(context.with.within)!,
        drillCall(context),
      ),
    );
  }
}
