import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { RevocationService } from '../../../domain/revocation/revocation.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { iso, SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ versionId: z.uuid() });
type With = z.infer<typeof settings>;

/** Ends what was derived from a credential version. What cannot be ended is waited for, or stays visibly unproven. */
@Injectable()
export class EndSessionsAction implements Action<With> {
  readonly name = 'end-sessions';
  readonly title = 'End the sessions of a credential version';
  readonly with = settings;
  readonly lease = 'short';
  readonly turns = 'calls';
  readonly timeout = 45 * SECOND;

  constructor(private readonly revocation: RevocationService) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const result = await this.revocation.endSessions(context.with.versionId, callOf(context));
    switch (result.outcome) {
      case 'ended':
      case 'none':
        return {
          answer: 'done',
          output: { sessions: result.outcome },
          evidence: result.evidence,
          note: result.why,
        };
      case 'residual':
        return {
          answer: 'waiting',
          until: result.until,
          forWhat: `what was derived from it, which lives until ${iso(result.until)}: ${result.why}`,
        };
      case 'retry':
        return { answer: 'retry', reason: result.why, after: result.after, evidence: result.evidence };
      case 'unknown':
        // Visible, and not in the way of what can be done: containment says "unproven" until a person signs.
        return { answer: 'skipped', reason: `unproven: ${result.why}` };
      case 'not_found':
        return { answer: 'failed', reason: 'there is no such credential version' };
    }
  }
}
