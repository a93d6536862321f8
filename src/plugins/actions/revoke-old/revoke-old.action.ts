import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { CutOver } from '../../../domain/rotation/cut-over.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ rotationId: z.uuid() });
type With = z.infer<typeof settings>;

/** Revokes the old version at its supplier, never while the new one is not accepted. */
@Injectable()
export class RevokeOldAction implements Action<With> {
  readonly name = 'revoke-old';
  readonly title = 'Revoke the old version';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 45 * SECOND;

  constructor(private readonly service: CutOver) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return this.service.revokeOld(context.with.rotationId, callOf(context));
  }
}
