import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { Placing } from '../../../domain/rotation/placing.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({
  rotationId: z.uuid(),
  locationId: z.uuid(),
  /** The old version again. */
  back: z.boolean().default(false),
  /** What the owner is asked to do, where it is more than to put it there. */
  what: z.string().min(1).max(500).optional(),
});
type With = z.infer<typeof settings>;

/** Puts the version into one place where a machine can, else asks its owner; done as soon as the place is known to hold it. */
@Injectable()
export class PlaceVersionAction implements Action<With> {
  readonly name = 'place-version';
  readonly title = 'Put a version where another one is';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 60 * SECOND;
  readonly waitsFor = 'person';

  constructor(private readonly service: Placing) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const { rotationId, locationId, back, what } = context.with;
    return this.service.ask(rotationId, locationId, back, what, callOf(context));
  }
}
