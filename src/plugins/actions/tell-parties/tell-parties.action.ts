import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { RetirementService } from '../../../domain/policy/retirement.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({
  /** What is told of the integration. */
  that: z.enum(['ends', 'ended']),
});
type With = z.infer<typeof settings>;

/** Tells every party of an integration that it ends, or has ended; each once. */
@Injectable()
export class TellPartiesAction implements Action<With> {
  readonly name = 'tell-parties';
  readonly title = 'Tell both sides';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 15 * SECOND;

  constructor(private readonly retirement: RetirementService) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const by = system('engine', context.correlationId);
    const { told, silent } = await this.retirement.tell(
      context.subject.id,
      context.runId,
      context.with.that,
      by,
    );
    const note = silent.length > 0 ? `nobody of ${silent.join(', ')} has an address` : undefined;
    return { answer: 'done', output: { told }, ...(note === undefined ? {} : { note }) };
  }
}
