import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { RetirementService } from '../../../domain/policy/retirement.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { MINUTE, SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({});
type With = z.infer<typeof settings>;

/**
 * Retires an integration once each credential is proven dead and each copy accounted for, or somebody carries the risk by
 * name. What cannot be shown keeps it open, and is said.
 */
@Injectable()
export class RetireIntegrationAction implements Action<With> {
  readonly name = 'retire-integration';
  readonly title = 'Retire an integration';
  readonly with = settings;
  readonly lease = 'short';
  readonly waitsFor = 'time';
  readonly timeout = 30 * SECOND;

  constructor(private readonly retirement: RetirementService) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const by = system('engine', context.correlationId);
    const open = await this.retirement.retire(context.subject.id, by);
    if (open.length === 0) return { answer: 'done' };
    const more = open.length > 3 ? ` And ${open.length - 3} more.` : '';
    return {
      answer: 'waiting',
      // What changes wakes the step; this is for when the wake-up was lost, or a risk has run out.
      until: context.now() + 5 * MINUTE,
      forWhat: `${open.slice(0, 3).join('; ')}.${more} Prove it, or accept the risk by name.`,
    };
  }
}
