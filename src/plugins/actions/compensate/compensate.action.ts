import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { LedgerService } from '../../../domain/ledger/ledger.service.ts';
import { compensate } from '../../../domain/policy/ways.queries.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { iso, SECOND } from '../../../kernel/time.ts';
import { Transactions } from '../../../platform/database/transactions.ts';
import { parseDuration } from '../../../domain/runbooks/definition.schema.ts';

const settings = z.strictObject({
  /** Risk tiers that may take the path. */
  tiers: z.array(z.int().min(1).max(4)).min(1),
  /** What is done instead, in one sentence. */
  control: z.string().min(1).max(500),
  /** How long it will do. */
  for: z.string().refine((text) => parseDuration(text) !== undefined, 'must be a duration such as 90d'),
});
type With = z.infer<typeof settings>;

/** Writes down what makes up for what a fast path leaves out, for whom it is, and until when it will do. */
@Injectable()
export class CompensateAction implements Action<With> {
  readonly name = 'compensate';
  readonly title = 'Put a compensating control on record';
  readonly with = settings;
  readonly lease = 'short';
  readonly timeout = 15 * SECOND;

  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
  ) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const by = system('engine', context.correlationId);
    const { tiers, control } = context.with;
    const now = context.now();
    return this.transactions.run(by, async (db) => {
      const until = now + parseDuration(context.with.for)!;
      const said = await compensate(db, context.runId, { tiers, control, until });
      if (said === null)
        return { answer: 'failed', reason: 'this path is not for the tier of the integration' };
      if (said.fresh)
        await this.ledger.append(db, {
          kind: 'onboarding.compensated',
          subject: context.subject,
          by,
          at: now,
          facts: { run: context.runId, control, until: iso(until) },
        });
      return { answer: 'done', output: { until: iso(until) } };
    });
  }
}
