import { Injectable } from '@nestjs/common';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { Making } from '../../../domain/rotation/making.service.ts';
import { makingSchema, type Making as Making_ } from '../../../domain/rotation/recipe.schema.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = makingSchema;
type With = Making_;

/** Has a new version made, by machine or by a person, and puts it on record with its value. Never asks twice for one. */
@Injectable()
export class CreateVersionAction implements Action<With> {
  readonly name = 'create-version';
  readonly title = 'Make a new version';
  readonly with = settings;
  readonly lease = 'call';
  readonly timeout = 15 * SECOND;
  readonly waitsFor = 'person';

  constructor(private readonly service: Making) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    return this.service.create(context.with.rotationId, context.with.what, callOf(context));
  }
}
