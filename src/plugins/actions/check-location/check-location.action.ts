import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { CopiesService } from '../../../domain/revocation/copies.service.ts';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { StorePlaces } from '../../../domain/revocation/store-places.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ locationId: z.uuid(), versionId: z.uuid() });
type With = z.infer<typeof settings>;

/** Whether one copy is gone: as its store answers, its owner or a scan showed, or else the owner is asked. */
@Injectable()
export class CheckLocationAction implements Action<With> {
  readonly name = 'check-location';
  readonly title = 'Check that a copy is gone';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 60 * SECOND;

  constructor(
    private readonly copies: CopiesService,
    private readonly stores: StorePlaces,
  ) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const { locationId, versionId } = context.with;
    const call = callOf(context);
    // What its store answers is on record before anybody is asked.
    await this.stores.look(locationId, versionId, call);
    const result = await this.copies.check(locationId, versionId, call.by);
    switch (result.outcome) {
      case 'gone':
        return { answer: 'done', output: { copy: 'gone' }, note: result.why };
      case 'cannot_be_proven':
        return { answer: 'done', output: { copy: 'unproven' }, note: result.why };
      case 'person':
        return {
          answer: 'parked',
          forWhat: result.forWhat,
          ...(result.contactId ? { ownerContactId: result.contactId } : {}),
        };
      case 'not_found':
        return { answer: 'skipped', reason: 'the location is retired, or holds another version' };
    }
  }
}
