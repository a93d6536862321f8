import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { RevocationCall } from '../../../domain/revocation/probing.service.ts';
import { CutOver } from '../../../domain/rotation/cut-over.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
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
    const call: RevocationCall = {
      by: system('engine', context.correlationId),
      stepId: context.stepId,
      idempotencyKey: context.idempotencyKey,
      attempt: context.attempt,
      takenOver: context.takenOver,
      tries: context.tries,
      signal: context.signal,
    };
    return this.service.conclude(context.with.rotationId, call);
  }
}
