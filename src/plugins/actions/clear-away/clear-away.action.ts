import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callOf } from '../../../domain/revocation/step-call.ts';
import { Clearing } from '../../../domain/revocation/clearing.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ versionId: z.uuid() });
type With = z.infer<typeof settings>;

/** Removes at the supplier what a revocation only switched off. Skipped where nothing is left, or nothing is proven. */
@Injectable()
export class ClearAwayAction implements Action<With> {
  readonly name = 'clear-away';
  readonly title = 'Remove what a revocation left so that it could be undone';
  readonly with = settings;
  readonly lease = 'short';
  readonly turns = 'calls';
  readonly timeout = 45 * SECOND;

  constructor(private readonly clearing: Clearing) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const result = await this.clearing.clearAway(context.with.versionId, callOf(context));
    switch (result.outcome) {
      case 'cleared':
      case 'gone':
        return {
          answer: 'done',
          output: { clearedAway: result.outcome },
          evidence: result.evidence,
          note: result.why,
        };
      case 'nothing_left':
      case 'not_proven':
        return { answer: 'skipped', reason: result.why };
      // Removing twice is removing once, and what is gone is said to be gone.
      case 'retry':
      case 'unknown':
        return {
          answer: 'retry',
          reason: result.why,
          evidence: result.evidence,
          ...(result.outcome === 'retry' ? { after: result.after } : {}),
        };
      case 'rejected':
        return { answer: 'failed', reason: result.why, evidence: result.evidence };
      case 'not_found':
        return { answer: 'failed', reason: 'there is no such credential version' };
    }
  }
}
