import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { CutOver } from '../../../domain/rotation/cut-over.service.ts';
import { overlapSchema } from '../../../domain/rotation/recipe.schema.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = overlapSchema;
type With = z.infer<typeof settings>;

/** Waits until both versions have worked side by side for as long as was agreed. Whoever cuts the overlap ends the wait. */
@Injectable()
export class HoldOverlapAction implements Action<With> {
  readonly name = 'hold-overlap';
  readonly title = 'Let both versions work';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 15 * SECOND;
  readonly waitsFor = 'time';

  constructor(private readonly service: CutOver) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return this.service.hold(context.with.rotationId, callOf(context));
  }
}
