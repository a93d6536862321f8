import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { HandingOver } from '../../../domain/revocation/handing-over.service.ts';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { laneOf } from '../../../domain/revocation/connections.service.ts';
import type { RevocationCall } from '../../../domain/revocation/probing.service.ts';
import type { VerifyResult } from '../../../domain/revocation/revocation-results.ts';
import { RevocationService } from '../../../domain/revocation/revocation.service.ts';
import { revokeAnswer } from '../../../domain/revocation/step-answers.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({
  versionId: z.uuid(),
  /** Another version of the same credential, which lives: the control where the connection has none. */
  controlVersionId: z.uuid().optional(),
});
type With = z.infer<typeof settings>;
type Unproven = Extract<VerifyResult, { outcome: 'live' | 'indeterminate' }>;

/**
 * Looks whether a credential version is dead, with a positive control. Anything less than a proof is another try; where
 * no machine can look, a person's statement ends the step, and the version stays unproven.
 */
@Injectable()
export class VerifyDeadAction implements Action<With> {
  readonly name = 'verify-dead';
  readonly title = 'Prove that a credential version is dead';
  readonly with = settings;
  readonly lease = 'short';
  readonly turns = 'calls';
  readonly timeout = 45 * SECOND;

  constructor(
    private readonly revocation: RevocationService,
    private readonly handingOver: HandingOver,
  ) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const call = callOf(context);
    const result = await this.revocation.verifyDead(
      context.with.versionId,
      call,
      context.with.controlVersionId,
    );
    switch (result.outcome) {
      case 'dead':
        return { answer: 'done', output: { liveness: 'dead' }, evidence: result.evidence, note: result.why };
      case 'live':
      case 'indeterminate':
        if (result.ownAuthenticationRefused && context.attempt > 1) {
          return { answer: 'parked', forWhat: `Mend our own authentication at the supplier: ${result.why}.` };
        }
        return this.#again(result, context, call);
      case 'unprovable':
        if (result.statementSigned) {
          return {
            answer: 'done',
            output: { liveness: 'unproven' },
            note: 'a person signed that it is done; its death cannot be proven',
          };
        }
        return {
          answer: 'parked',
          forWhat: `A signed statement that ${result.label} is revoked; its death cannot be proven: ${result.why}.`,
          ...(result.contactId ? { ownerContactId: result.contactId } : {}),
        };
      case 'not_found':
        return { answer: 'failed', reason: 'there is no such credential version' };
    }
  }

  /**
   * What was revoked, as its supplier said, and still lives, is asked for once more, in the end by another way: another
   * machine, or, when no try is left, the person who was named.
   */
  async #again(result: Unproven, context: StepContext<With>, call: RevocationCall): Promise<StepAnswer> {
    const { versionId } = context.with;
    const { why, after, evidence } = result;
    const again = result.outcome === 'live' ? await this.revocation.revokeAgain(versionId, call) : null;
    const last = again?.outcome !== 'next_way' && context.tries.left === 0;
    const next = last ? await this.handingOver.outOfLooks(versionId, call, result) : again;
    if (next?.outcome === 'next_way') {
      const otherWay = { lane: laneOf(next.connectionId) };
      return { answer: 'retry', reason: `${why}; ${next.why}`, evidence, otherWay };
    }
    if (last && next?.outcome === 'person') return revokeAnswer(next);
    const reason = again ? `${why}; asked to revoke once more: ${again.outcome.replaceAll('_', ' ')}` : why;
    return { answer: 'retry', reason, after, evidence };
  }
}
