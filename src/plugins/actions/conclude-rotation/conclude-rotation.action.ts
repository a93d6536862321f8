import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { CutOver } from '../../../domain/rotation/cut-over.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ rotationId: z.uuid() });
type With = z.infer<typeof settings>;

/** Ends the rotation once the old version is shown dead and nothing that was made is lost. */
@Injectable()
export class ConcludeRotationAction implements Action<With> {
  readonly name = 'conclude-rotation';
  readonly title = 'End a rotation';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly service: CutOver) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return this.service.conclude(context.with.rotationId, callOf(context));
  }
}
