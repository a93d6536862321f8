import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { drillCall, stepAnswer } from '../../../domain/revocation/drilling.service.ts';
import { RotationDrilling } from '../../../domain/revocation/rotation-drilling.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ drillId: z.uuid() });
type With = z.infer<typeof settings>;

/** Sees the new canary of a drill work, before its old one may be revoked. */
@Injectable()
export class ValidateCanaryAction implements Action<With> {
  readonly name = 'validate-canary';
  readonly title = 'See the new canary work';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly drilling: RotationDrilling) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return stepAnswer(await this.drilling.validate(context.with.drillId, drillCall(context)));
  }
}
