import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { drillCall, Drilling, stepAnswer } from '../../../domain/revocation/drilling.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ drillId: z.uuid() });
type With = z.infer<typeof settings>;

/** Looks until the canary of a drill is dead, with a control; a death that nobody can prove fails the drill. */
@Injectable()
export class ProveCanaryDeadAction implements Action<With> {
  readonly name = 'prove-canary-dead';
  readonly title = 'Prove that the canary of a drill is dead';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly drilling: Drilling) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return stepAnswer(await this.drilling.prove(context.with.drillId, drillCall(context)));
  }
}
