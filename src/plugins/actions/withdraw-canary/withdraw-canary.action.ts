import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { drillCall, stepAnswer } from '../../../domain/revocation/drilling.service.ts';
import { RotationDrilling } from '../../../domain/revocation/rotation-drilling.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ drillId: z.uuid() });
type With = z.infer<typeof settings>;

/** Withdraws what a drill had made and nobody saw working; keeps what works. */
@Injectable()
export class WithdrawCanaryAction implements Action<With> {
  readonly name = 'withdraw-canary';
  readonly title = 'Withdraw a new canary that does not work';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly drilling: RotationDrilling) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return stepAnswer(await this.drilling.withdraw(context.with.drillId, drillCall(context)));
  }
}
