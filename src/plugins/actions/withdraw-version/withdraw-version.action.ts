import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { RollingBack } from '../../../domain/rotation/rolling-back.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ rotationId: z.uuid() });
type With = z.infer<typeof settings>;

/** Revokes what a rotation made, never while the old version is not accepted. */
@Injectable()
export class WithdrawVersionAction implements Action<With> {
  readonly name = 'withdraw-version';
  readonly title = 'Withdraw a new version';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly service: RollingBack) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return this.service.withdraw(context.with.rotationId, callOf(context));
  }
}
