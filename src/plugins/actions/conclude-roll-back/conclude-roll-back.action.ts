import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { RollingBack } from '../../../domain/rotation/rolling-back.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ rotationId: z.uuid() });
type With = z.infer<typeof settings>;

/** Ends the roll-back once nothing that the rotation made lives on. */
@Injectable()
export class ConcludeRollBackAction implements Action<With> {
  readonly name = 'conclude-roll-back';
  readonly title = 'End a roll-back';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly service: RollingBack) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return this.service.conclude(context.with.rotationId, callOf(context));
  }
}
