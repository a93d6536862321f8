import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { drillCall, stepAnswer } from '../../../domain/revocation/drilling.service.ts';
import { RotationDrilling } from '../../../domain/revocation/rotation-drilling.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ drillId: z.uuid() });
type With = z.infer<typeof settings>;

/** Makes the successor of a drill’s canary. Never makes anything for a credential that is in use. */
@Injectable()
export class MakeCanaryAction implements Action<With> {
  readonly name = 'make-canary';
  readonly title = 'Make a new canary beside the old one';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly drilling: RotationDrilling) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return stepAnswer(await this.drilling.make(context.with.drillId, drillCall(context)));
  }
}
