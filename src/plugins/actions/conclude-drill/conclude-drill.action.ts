import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Drilling } from '../../../domain/revocation/drilling.service.ts';
import { DrillRecords } from '../../../domain/revocation/drill-records.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { parseDuration } from '../../../domain/runbooks/definition.schema.ts';
import { system } from '../../../kernel/principal.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({
  drillId: z.uuid(),
  /** How long a called contact might take. */
  within: z
    .string()
    .refine((text) => parseDuration(text) !== undefined, 'must be a duration such as 4h or 1d'),
});
type With = z.infer<typeof settings>;

/** Writes down how a drill ended: what was proven counts, not what was said. */
@Injectable()
export class ConcludeDrillAction implements Action<With> {
  readonly name = 'conclude-drill';
  readonly title = 'Write down how a drill ended';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 10 * SECOND;

  constructor(
    private readonly drills: DrillRecords,
    private readonly drilling: Drilling,
  ) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const by = system('engine', context.correlationId);
    const { drillId, within } = context.with;
    await this.drilling.answered(drillId, parseDuration(within)!, by);
    const end = await this.drills.conclude(drillId, by);
    if (!end) return { answer: 'failed', reason: 'there is no such drill' };
    return { answer: 'done', output: { outcome: end.outcome }, note: end.why };
  }
}
