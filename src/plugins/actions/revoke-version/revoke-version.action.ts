import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { RevocationService } from '../../../domain/revocation/revocation.service.ts';
import { revokeAnswer } from '../../../domain/revocation/step-answers.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ versionId: z.uuid() });
type With = z.infer<typeof settings>;

/** Asks the supplier to revoke one credential version. Done means that it said yes, never that the credential is dead. */
@Injectable()
export class RevokeVersionAction implements Action<With> {
  readonly name = 'revoke-version';
  readonly title = 'Revoke a credential version at its supplier';
  readonly with = settings;
  readonly lease = 'short';
  readonly turns = 'calls';
  readonly timeout = 45 * SECOND;

  constructor(private readonly revocation: RevocationService) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const result = await this.revocation.revoke(context.with.versionId, callOf(context));
    return revokeAnswer(result);
  }
}
