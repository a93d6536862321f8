import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { laneOf } from '../../../domain/revocation/connections.service.ts';
import { RevocationService } from '../../../domain/revocation/revocation.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
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
  readonly timeout = 45 * SECOND;

  constructor(private readonly revocation: RevocationService) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const result = await this.revocation.revoke(context.with.versionId, {
      by: system('engine', context.correlationId),
      stepId: context.stepId,
      idempotencyKey: context.idempotencyKey,
      attempt: context.attempt,
      takenOver: context.takenOver,
      tries: context.tries,
      signal: context.signal,
    });
    switch (result.outcome) {
      case 'accepted':
      case 'gone':
      case 'already_dead':
        return {
          answer: 'done',
          output: { revocation: result.outcome },
          evidence: result.evidence,
          note: result.note,
        };
      case 'retry':
        return { answer: 'retry', reason: result.why, after: result.after, evidence: result.evidence };
      case 'next_way':
        return {
          answer: 'retry',
          reason: result.why,
          evidence: result.evidence,
          otherWay: { lane: laneOf(result.connectionId) },
        };
      case 'unknown':
        return { answer: 'unknown', reason: result.why, evidence: result.evidence };
      case 'rejected':
        return { answer: 'failed', reason: result.why, evidence: result.evidence };
      case 'person':
        return {
          answer: 'parked',
          forWhat: result.forWhat,
          ...(result.contactId ? { ownerContactId: result.contactId } : {}),
        };
      case 'not_found':
        return { answer: 'failed', reason: 'there is no such credential version' };
    }
  }
}
