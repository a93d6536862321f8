import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { drillCall, Drilling, stepAnswer } from '../../../domain/revocation/drilling.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ drillId: z.uuid() });
type With = z.infer<typeof settings>;

/** Revokes the canary of a drill as an emergency would revoke the credential. Never touches anything else. */
@Injectable()
export class RevokeCanaryAction implements Action<With> {
  readonly name = 'revoke-canary';
  readonly title = 'Revoke the canary of a drill';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly drilling: Drilling) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return stepAnswer(await this.drilling.revoke(context.with.drillId, drillCall(context)));
  }
}
