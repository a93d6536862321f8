import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { CutOver } from '../../../domain/rotation/cut-over.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({
  rotationId: z.uuid(),
  /** What comes next: its consumers are asked to use it, or the overlap begins. */
  before: z.enum(['consumers', 'overlap']),
  /** What people have to do before it can be accepted, where its verifiers are theirs: nobody has failed until then. */
  first: z.string().min(1).max(500).optional(),
});
type With = z.infer<typeof settings>;

/** Looks whether the new version is accepted; where no machine can, a person says so. */
@Injectable()
export class ValidateVersionAction implements Action<With> {
  readonly name = 'validate-version';
  readonly title = 'See whether a new version works';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;
  readonly waitsFor = 'person';

  constructor(private readonly service: CutOver) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const { rotationId, before, first } = context.with;
    return this.service.validate(rotationId, before, first, callOf(context));
  }
}
